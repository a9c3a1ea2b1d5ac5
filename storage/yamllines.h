/* Where each key of a YAML text stands. libcyaml loads values without their lines; this second look, through
 * libyaml below it, lets an error found after loading name the line. */
#ifndef FL_STORAGE_YAMLLINES_H
#define FL_STORAGE_YAMLLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fl_yaml_lines;
struct fl_yaml_problem {
    unsigned line;
    char text[128];
};
/* Read one document. FL_EINVAL with *problem filled in: not YAML, not UTF-8, a second document, more than
 * 16,384 values. FL_ENOMEM. */
int fl_yaml_lines_read(const uint8_t *data, size_t n, struct fl_yaml_lines **out,
                       struct fl_yaml_problem *problem);
/* Line (from 1) of the key `mining.every` or item `locations[0].prefixes[1]`, its first or last
 * occurrence; 0 when there is none. */
unsigned fl_yaml_lines_find(const struct fl_yaml_lines *lines, const char *path, bool last);
bool fl_yaml_lines_is_scalar(const struct fl_yaml_lines *lines, const char *path);
/* No document at all, or one without content. */
bool fl_yaml_lines_is_empty(const struct fl_yaml_lines *lines);
void fl_yaml_lines_free(struct fl_yaml_lines *lines);

#endif
