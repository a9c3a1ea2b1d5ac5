/* The parts of `flowlore status`: what was gathered, and the screens made of it. */
#ifndef FL_MINING_CLI_STATUS_H
#define FL_MINING_CLI_STATUS_H

#include "mining/cli.h"
#include "mining/exporters.h"
#include "mining/human.h"

struct fl_status {
    json_t *exporters, *locations, *buckets, *runs, *service, *sinks;
    json_t *known;               /* locations, as the rules database knows them */
    json_t *templates;           /* arrays by session: see fl_status_key */
    json_t *advice;              /* {kind, exporter, figure, text} */
    struct fl_sessions sessions; /* of `exporters` */
    bool running;
    uint64_t flows, bytes;
    int64_t now_ms;
};

/* The templates of one session stand under "ADDRESS PORT DOMAIN VERSION". Returns `out`. */
#define FL_STATUS_KEY 96
const char *fl_status_key(const struct fl_addr *address, unsigned port, uint32_t domain, unsigned version,
                          char out[FL_STATUS_KEY]);
/* An fl_wire_template_fn that keeps what it is handed in the struct fl_status `ctx`: {id, kind, defined,
 * fields: [{id, enterprise, name, length, scope}]}. */
int fl_status_take_template(void *ctx, const struct fl_wire_template *t);

/* Its rate is of now; it has been quiet for minutes. */
bool fl_status_fresh(const struct fl_status *s, const struct fl_exporter_stats *e);
bool fl_status_idle(const struct fl_status *s, const struct fl_exporter_stats *e);

/* Add to each exporter's object what can only be said now: idle, lost_unit, lost_share, its templates; a rate
 * that is no longer fresh becomes null. FL_ENOMEM. */
int fl_status_complete(struct fl_status *s);
/* Fill in s->advice. */
void fl_status_advise(const struct fl_cli *cli, struct fl_status *s);
/* Leave only what is of one exporter. FL_EINVAL: --exporter is no address; FL_ENOENT: it has sent nothing. */
int fl_status_choose(const struct fl_cli *cli, struct fl_status *s, struct fl_err *err);

/* The screens; each returns the exit code. */
int fl_status_print_exporters(const struct fl_status *s);
int fl_status_print_exporter(const struct fl_status *s);
void fl_status_print_advice(const struct fl_status *s);

/* From a row of fl_rulesdb_locations: "2.5 h to go", "done", "off"; and how many alerts a day to expect, "-"
 * when not known. Return `out`. */
const char *fl_learn_words(const json_t *location, char out[FL_HUMAN_TEXT]);
const char *fl_learn_alerts(const json_t *location, char out[FL_HUMAN_TEXT]);

#endif
