/* Keys and their lines, from libyaml's document tree. */
#include "storage/yamllines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "storage/error.h"

enum { PATH_TEXT = 128, MOST_ENTRIES = 16384, MOST_DEPTH = 8 };

struct entry {
    char path[PATH_TEXT];
    unsigned line;
    bool scalar;
};
struct fl_yaml_lines {
    struct entry *entries;
    size_t n, room;
    bool empty;
};

static int add_entry(struct fl_yaml_lines *l, const char *path, const yaml_node_t *key,
                     const yaml_node_t *value)
{
    if (l->n == MOST_ENTRIES)
        return FL_ELIMIT;
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct entry *grown = realloc(l->entries, room * sizeof *grown);
        if (!grown)
            return FL_ENOMEM;
        l->entries = grown;
        l->room = room;
    }
    struct entry *e = &l->entries[l->n++];
    snprintf(e->path, sizeof e->path, "%s", path);
    e->line = (unsigned)key->start_mark.line + 1;
    e->scalar = value->type == YAML_SCALAR_NODE;
    return 0;
}

static int walk(struct fl_yaml_lines *l, yaml_document_t *doc, const yaml_node_t *node, const char *path,
                int depth);

static int walk_mapping(struct fl_yaml_lines *l, yaml_document_t *doc, const yaml_node_t *node,
                        const char *path, int depth)
{
    char below[PATH_TEXT];
    int rc = 0;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; rc == 0 && p < node->data.mapping.pairs.top;
         p++) {
        yaml_node_t *key = yaml_document_get_node(doc, p->key);
        yaml_node_t *value = yaml_document_get_node(doc, p->value);
        if (key->type != YAML_SCALAR_NODE)
            continue;
        snprintf(below, sizeof below, "%s%s%.40s", path, *path ? "." : "",
                 (const char *)key->data.scalar.value);
        rc = add_entry(l, below, key, value);
        if (rc == 0)
            rc = walk(l, doc, value, below, depth + 1);
    }
    return rc;
}

static int walk_sequence(struct fl_yaml_lines *l, yaml_document_t *doc, const yaml_node_t *node,
                         const char *path, int depth)
{
    char below[PATH_TEXT];
    int rc = 0;
    const yaml_node_item_t *start = node->data.sequence.items.start;
    for (const yaml_node_item_t *p = start; rc == 0 && p < node->data.sequence.items.top; p++) {
        yaml_node_t *value = yaml_document_get_node(doc, *p);
        snprintf(below, sizeof below, "%.100s[%zu]", path, (size_t)(p - start));
        rc = add_entry(l, below, value, value);
        if (rc == 0)
            rc = walk(l, doc, value, below, depth + 1);
    }
    return rc;
}

static int walk(struct fl_yaml_lines *l, yaml_document_t *doc, const yaml_node_t *node, const char *path,
                int depth)
{
    if (depth > MOST_DEPTH)
        return 0;
    if (node->type == YAML_MAPPING_NODE)
        return walk_mapping(l, doc, node, path, depth);
    if (node->type == YAML_SEQUENCE_NODE)
        return walk_sequence(l, doc, node, path, depth);
    return 0;
}

static unsigned line_at(const uint8_t *data, size_t n, size_t offset)
{
    unsigned line = 1;
    for (size_t i = 0; i < n && i < offset; i++)
        line += data[i] == '\n';
    return line;
}

static int describe(const yaml_parser_t *parser, const uint8_t *data, size_t n,
                    struct fl_yaml_problem *problem)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return FL_ENOMEM;
    problem->line = parser->error == YAML_READER_ERROR ? line_at(data, n, parser->problem_offset)
                                                       : (unsigned)parser->problem_mark.line + 1;
    snprintf(problem->text, sizeof problem->text, "%s%s",
             parser->error == YAML_READER_ERROR ? "not UTF-8 text: " : "not valid YAML: ",
             parser->problem ? parser->problem : "cannot be read");
    return FL_EINVAL;
}

static int read_first(yaml_parser_t *parser, struct fl_yaml_lines *l, const uint8_t *data, size_t n,
                      struct fl_yaml_problem *problem)
{
    yaml_document_t doc;
    if (!yaml_parser_load(parser, &doc))
        return describe(parser, data, n, problem);
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    l->empty = !root || (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0);
    int rc = root ? walk(l, &doc, root, "", 0) : 0;
    yaml_document_delete(&doc);
    if (rc == FL_ELIMIT) {
        problem->line = 1;
        snprintf(problem->text, sizeof problem->text, "more than %d values", MOST_ENTRIES);
        return FL_EINVAL;
    }
    return rc;
}

static int refuse_second(yaml_parser_t *parser, const uint8_t *data, size_t n,
                         struct fl_yaml_problem *problem)
{
    yaml_document_t doc;
    if (!yaml_parser_load(parser, &doc))
        return describe(parser, data, n, problem);
    bool more = yaml_document_get_root_node(&doc) != NULL;
    problem->line = (unsigned)doc.start_mark.line + 1;
    yaml_document_delete(&doc);
    if (!more)
        return 0;
    snprintf(problem->text, sizeof problem->text, "a second document begins here");
    return FL_EINVAL;
}

int fl_yaml_lines_read(const uint8_t *data, size_t n, struct fl_yaml_lines **out,
                       struct fl_yaml_problem *problem)
{
    yaml_parser_t parser;
    struct fl_yaml_lines *l = calloc(1, sizeof *l);
    if (!l || !yaml_parser_initialize(&parser)) {
        free(l);
        return FL_ENOMEM;
    }
    yaml_parser_set_input_string(&parser, data, n);
    int rc = read_first(&parser, l, data, n, problem);
    if (rc == 0 && !parser.stream_end_produced)
        rc = refuse_second(&parser, data, n, problem);
    yaml_parser_delete(&parser);
    if (rc < 0)
        fl_yaml_lines_free(l);
    else
        *out = l;
    return rc;
}

static const struct entry *find(const struct fl_yaml_lines *l, const char *path, bool last)
{
    const struct entry *found = NULL;
    for (size_t i = 0; i < l->n && !(found && !last); i++)
        if (strcmp(l->entries[i].path, path) == 0)
            found = &l->entries[i];
    return found;
}

unsigned fl_yaml_lines_find(const struct fl_yaml_lines *lines, const char *path, bool last)
{
    const struct entry *e = find(lines, path, last);
    return e ? e->line : 0;
}

bool fl_yaml_lines_is_scalar(const struct fl_yaml_lines *lines, const char *path)
{
    const struct entry *e = find(lines, path, false);
    return e && e->scalar;
}

bool fl_yaml_lines_is_empty(const struct fl_yaml_lines *lines)
{
    return lines->empty;
}

void fl_yaml_lines_free(struct fl_yaml_lines *lines)
{
    if (!lines)
        return;
    free(lines->entries);
    free(lines);
}
