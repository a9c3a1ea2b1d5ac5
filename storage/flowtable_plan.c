/* Conditions on the SQL table `flows` and what becomes of them.
 *
 * A plan is text: two characters a condition, the column ('A' + number) and the operator, '=' '<' '>' 'l'
 * (<=) 'g' (>=) or 'i' (IN, all values at once). Its conditions stand in the order of xFilter's values.
 *
 * Times as text: printing a time keeps the order (earlier times are smaller text), so among the times there
 * is exactly one place where `text >= value` turns true. Bisection finds it, whatever the value looks like.
 */
#include "storage/flowtable_plan.h"

#include <stdlib.h>
#include <string.h>

#include "storage/timetext.h"

const char fl_flowtable_declaration[] =
    "CREATE TABLE flows(location TEXT, exporter TEXT, domain INTEGER, start TEXT, \"end\" TEXT, src TEXT, "
    "dst TEXT, src_port INTEGER, dst_port INTEGER, protocol INTEGER, tcp_flags INTEGER, packets INTEGER, "
    "bytes INTEGER, in_if INTEGER, out_if INTEGER, tos INTEGER, sampling INTEGER, time_source TEXT, "
    "sampling_source TEXT, end_reason TEXT, direction TEXT, event TEXT, post_src TEXT, post_dst TEXT, "
    "post_src_port INTEGER, post_dst_port INTEGER, scaled_packets INTEGER, scaled_bytes INTEGER, "
    "start_ms INTEGER HIDDEN, end_ms INTEGER HIDDEN, host HIDDEN, port HIDDEN)";

enum { max_conditions = 16 }; /* SQLite forgets `omit` beyond */

static const int64_t last_printable_ms = 253402300799999; /* the end of year 9999 */

/* ---- planning ---- */

static char operator_of(unsigned char op)
{
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
        return '=';
    case SQLITE_INDEX_CONSTRAINT_LT:
        return '<';
    case SQLITE_INDEX_CONSTRAINT_LE:
        return 'l';
    case SQLITE_INDEX_CONSTRAINT_GT:
        return '>';
    case SQLITE_INDEX_CONSTRAINT_GE:
        return 'g';
    default:
        return '\0';
    }
}

static bool is_either_side(int column)
{
    return column == FL_COL_HOST || column == FL_COL_PORT;
}

/* How many times fewer records a condition leaves, roughly; 0 when it does not go down. Those on host and
 * port must win over every other plan, because nothing else can answer them. */
static double worth(int column, char op)
{
    switch (column) {
    case FL_COL_HOST:
        return op == '=' ? 1e6 : 0;
    case FL_COL_PORT:
        return op == '=' ? 1e5 : 0;
    case FL_COL_SRC:
    case FL_COL_DST:
        return op == '=' ? 20 : 0;
    case FL_COL_SRC_PORT:
    case FL_COL_DST_PORT:
        return op == '=' ? 10 : 0;
    case FL_COL_LOCATION:
        return op == '=' ? 4 : 0;
    case FL_COL_START:
    case FL_COL_START_MS:
        return op == '\0' ? 0 : 4;
    default:
        return 0;
    }
}

static bool compares_bytes(sqlite3_index_info *info, int i)
{
    int column = info->aConstraint[i].iColumn;
    bool text =
        column == FL_COL_LOCATION || column == FL_COL_START || column == FL_COL_SRC || column == FL_COL_DST;
    return !text || sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") == 0;
}

static void push_down(sqlite3_index_info *info, int i, char *plan, int *n, char op)
{
    int column = info->aConstraint[i].iColumn;
    if (is_either_side(column)) {
        if (sqlite3_vtab_in(info, i, 1))
            op = 'i';
        info->aConstraintUsage[i].omit = 1;
    }
    plan[2 * *n] = (char)('A' + column);
    plan[2 * *n + 1] = op;
    info->aConstraintUsage[i].argvIndex = ++*n;
    info->estimatedCost /= worth(column, '=');
}

/* Two rounds: conditions on host and port come first, since they must go down. */
static int plan_round(sqlite3_index_info *info, bool either_side, char *plan, int *n)
{
    for (int i = 0; i < info->nConstraint; i++) {
        char op = operator_of(info->aConstraint[i].op);
        int column = info->aConstraint[i].iColumn;
        if (!op || is_either_side(column) != either_side || worth(column, op) == 0)
            continue;
        if (either_side && (!info->aConstraint[i].usable || *n == FL_SCAN_SETS))
            return SQLITE_CONSTRAINT;
        if (info->aConstraint[i].usable && *n < max_conditions && compares_bytes(info, i))
            push_down(info, i, plan, n, op);
    }
    return SQLITE_OK;
}

/* What each column stands on. The location is the bucket's; host and port show what was asked for. */
static const uint32_t fields_of[FL_COLS] = {
    [FL_COL_EXPORTER] = FL_FIELD_EXPORTER,
    [FL_COL_DOMAIN] = FL_FIELD_DOMAIN,
    [FL_COL_START] = FL_FIELD_START,
    [FL_COL_END] = FL_FIELD_END,
    [FL_COL_SRC] = FL_FIELD_SRC,
    [FL_COL_DST] = FL_FIELD_DST,
    [FL_COL_SRC_PORT] = FL_FIELD_SRC_PORT,
    [FL_COL_DST_PORT] = FL_FIELD_DST_PORT,
    [FL_COL_PROTOCOL] = FL_FIELD_PROTOCOL,
    [FL_COL_TCP_FLAGS] = FL_FIELD_TCP_FLAGS,
    [FL_COL_PACKETS] = FL_FIELD_PACKETS,
    [FL_COL_BYTES] = FL_FIELD_BYTES,
    [FL_COL_IN_IF] = FL_FIELD_IN_IF,
    [FL_COL_OUT_IF] = FL_FIELD_OUT_IF,
    [FL_COL_TOS] = FL_FIELD_TOS,
    [FL_COL_SAMPLING] = FL_FIELD_SAMPLING,
    [FL_COL_TIME_SOURCE] = FL_FIELD_TIME_SOURCE,
    [FL_COL_SAMPLING_SOURCE] = FL_FIELD_SAMPLING_SOURCE,
    [FL_COL_END_REASON] = FL_FIELD_END_REASON,
    [FL_COL_DIRECTION] = FL_FIELD_DIRECTION,
    [FL_COL_EVENT] = FL_FIELD_EVENT,
    [FL_COL_POST_SRC] = FL_FIELD_POST_SRC,
    [FL_COL_POST_DST] = FL_FIELD_POST_DST,
    [FL_COL_POST_SRC_PORT] = FL_FIELD_POST_SRC_PORT,
    [FL_COL_POST_DST_PORT] = FL_FIELD_POST_DST_PORT,
    [FL_COL_SCALED_PACKETS] = FL_FIELD_PACKETS | FL_FIELD_SAMPLING,
    [FL_COL_SCALED_BYTES] = FL_FIELD_BYTES | FL_FIELD_SAMPLING,
    [FL_COL_START_MS] = FL_FIELD_START,
    [FL_COL_END_MS] = FL_FIELD_END,
};

static int fields_used(uint64_t columns)
{
    uint32_t fields = 0;
    for (int i = 0; i < FL_COLS; i++)
        if (columns >> i & 1)
            fields |= fields_of[i];
    return (int)fields;
}

int fl_flowtable_best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
    char *plan = sqlite3_malloc(2 * max_conditions + 1);
    int n = 0;
    if (!plan)
        return SQLITE_NOMEM;
    info->idxNum = fields_used(info->colUsed);
    info->idxStr = plan;
    info->needToFreeIdxStr = 1;
    info->estimatedCost = 1e12;
    int rc = plan_round(info, true, plan, &n);
    if (rc == SQLITE_OK)
        rc = plan_round(info, false, plan, &n);
    plan[2 * n] = '\0';
    info->estimatedRows = info->estimatedCost > 1 ? (sqlite3_int64)info->estimatedCost : 1;
    return rc;
}

/* ---- values ---- */

/* ASCII text without NUL, which every encoding orders alike; else NULL. */
static const char *plain_text(sqlite3_value *value)
{
    if (sqlite3_value_type(value) != SQLITE_TEXT)
        return NULL;
    const char *text = (const char *)sqlite3_value_text(value);
    int length = text ? sqlite3_value_bytes(value) : 0;
    for (int i = 0; i < length; i++)
        if (text[i] == '\0' || (unsigned char)text[i] >= 0x80)
            return NULL;
    return text;
}

/* The first time whose text is >= `text` (or > it): 0..last_printable_ms + 1. */
static int64_t first_at(const char *text, bool strictly)
{
    int64_t low = 0, high = last_printable_ms + 1;
    while (low < high) {
        char printed[FL_TIME_TEXT];
        int64_t middle = low + (high - low) / 2;
        int order = strcmp(fl_time_format(middle, printed), text);
        if (strictly ? order > 0 : order >= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void at_least(struct fl_flowtable_query *q, int64_t ms)
{
    if (ms > q->scan.first_ms)
        q->scan.first_ms = ms;
}

static void at_most(struct fl_flowtable_query *q, int64_t ms)
{
    if (ms < q->scan.last_ms)
        q->scan.last_ms = ms;
}

static void take_start_ms(struct fl_flowtable_query *q, char op, sqlite3_value *value)
{
    if (sqlite3_value_type(value) != SQLITE_INTEGER)
        return;
    int64_t ms = sqlite3_value_int64(value);
    if (op == '=' || op == 'g' || op == '>')
        at_least(q, ms); /* for > one too many, which SQLite drops; ms + 1 might overflow */
    if (op == '=' || op == 'l' || op == '<')
        at_most(q, ms);
}

/* Times that cannot be printed are printed as the nearest that can, hence the two ends. */
static void take_start(struct fl_flowtable_query *q, char op, sqlite3_value *value)
{
    const char *text = plain_text(value);
    if (!text)
        return;
    int64_t from = first_at(text, false), behind = first_at(text, true);
    int64_t first = op == '>' ? behind : op == '=' || op == 'g' ? from : 0;
    int64_t end = op == '<' ? from : op == '=' || op == 'l' ? behind : last_printable_ms + 1;
    if (first > last_printable_ms || end == 0)
        q->nothing = true;
    if (first > 0)
        at_least(q, first);
    if (end <= last_printable_ms)
        at_most(q, end - 1);
}

/* Only an address spelt as we spell it can be equal as text; the rest is left to SQLite. */
static void take_addr(struct fl_addr *room, const struct fl_addr **out, sqlite3_value *value)
{
    char again[FL_ADDR_TEXT];
    const char *text = plain_text(value);
    if (text && fl_addr_parse(text, room) == 0 && strcmp(fl_addr_format(room, again), text) == 0)
        *out = room;
}

static void take_port(uint16_t *room, bool *has, sqlite3_value *value)
{
    if (sqlite3_value_type(value) != SQLITE_INTEGER)
        return;
    int64_t port = sqlite3_value_int64(value);
    if (port >= 0 && port <= UINT16_MAX) {
        *room = (uint16_t)port;
        *has = true;
    }
}

static void take_location(struct fl_flowtable_query *q, sqlite3_value *value)
{
    const char *text = plain_text(value);
    if (!text)
        return;
    if (!fl_location_name_ok(text) || (q->scan.location && strcmp(q->location, text) != 0)) {
        q->nothing = true;
        return;
    }
    memcpy(q->location, text, strlen(text) + 1);
    q->scan.location = q->location;
}

/* ---- host and port: what matches either side ---- */

static bool host_of(sqlite3_value *value, struct fl_addr *out)
{
    const char *text = plain_text(value);
    return text && fl_addr_parse(text, out) == 0;
}

/* 53, 53.0 and '53' are port 53. */
static bool port_of(sqlite3_value *value, uint16_t *out)
{
    int type = sqlite3_value_numeric_type(value);
    double number = sqlite3_value_double(value);
    if ((type != SQLITE_INTEGER && type != SQLITE_FLOAT) || !(number >= 0 && number <= UINT16_MAX))
        return false;
    *out = (uint16_t)number;
    return number == *out;
}

static int add_host(struct fl_scan_hosts *set, sqlite3_value *value)
{
    struct fl_addr a;
    if (!host_of(value, &a))
        return SQLITE_OK;
    void *grown = realloc(set->items, (set->n + 1) * sizeof *set->items);
    if (!grown)
        return SQLITE_NOMEM;
    set->items = grown;
    set->items[set->n++] = a;
    return SQLITE_OK;
}

static int add_port(struct fl_scan_ports *set, sqlite3_value *value)
{
    uint16_t port;
    if (!port_of(value, &port))
        return SQLITE_OK;
    void *grown = realloc(set->items, (set->n + 1) * sizeof *set->items);
    if (!grown)
        return SQLITE_NOMEM;
    set->items = grown;
    set->items[set->n++] = port;
    return SQLITE_OK;
}

static int take_hosts(struct fl_flowtable_query *q, char op, sqlite3_value *value)
{
    struct fl_scan_hosts *set = &q->scan.hosts[q->scan.n_hosts++];
    sqlite3_value *item = value;
    int rc = SQLITE_OK;
    if (op == 'i')
        for (rc = sqlite3_vtab_in_first(value, &item); rc == SQLITE_OK && item;
             rc = sqlite3_vtab_in_next(value, &item))
            if ((rc = add_host(set, item)) != SQLITE_OK)
                break;
    if (op == '=')
        rc = add_host(set, value);
    q->nothing = q->nothing || set->n == 0;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int take_ports(struct fl_flowtable_query *q, char op, sqlite3_value *value)
{
    struct fl_scan_ports *set = &q->scan.ports[q->scan.n_ports++];
    sqlite3_value *item = value;
    int rc = SQLITE_OK;
    if (op == 'i')
        for (rc = sqlite3_vtab_in_first(value, &item); rc == SQLITE_OK && item;
             rc = sqlite3_vtab_in_next(value, &item))
            if ((rc = add_port(set, item)) != SQLITE_OK)
                break;
    if (op == '=')
        rc = add_port(set, value);
    q->nothing = q->nothing || set->n == 0;
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int take(struct fl_flowtable_query *q, int column, char op, sqlite3_value *value)
{
    switch (column) {
    case FL_COL_LOCATION:
        take_location(q, value);
        break;
    case FL_COL_START:
        take_start(q, op, value);
        break;
    case FL_COL_START_MS:
        take_start_ms(q, op, value);
        break;
    case FL_COL_SRC:
        take_addr(&q->src, &q->scan.src, value);
        break;
    case FL_COL_DST:
        take_addr(&q->dst, &q->scan.dst, value);
        break;
    case FL_COL_SRC_PORT:
        take_port(&q->scan.src_port, &q->scan.has_src_port, value);
        break;
    case FL_COL_DST_PORT:
        take_port(&q->scan.dst_port, &q->scan.has_dst_port, value);
        break;
    case FL_COL_HOST:
        return take_hosts(q, op, value);
    case FL_COL_PORT:
        return take_ports(q, op, value);
    }
    return SQLITE_OK;
}

/* The value to show for host or port: that of a single =. */
static int keep_shown(const char *plan, int n, sqlite3_value **values, int column, sqlite3_value **out)
{
    int found = -1;
    for (int i = 0; i < n; i++)
        if (plan[2 * i] == 'A' + column) {
            if (found >= 0 || plan[2 * i + 1] != '=')
                return SQLITE_OK;
            found = i;
        }
    if (found >= 0 && !(*out = sqlite3_value_dup(values[found])))
        return SQLITE_NOMEM;
    return SQLITE_OK;
}

int fl_flowtable_query_init(struct fl_flowtable_query *q, int fields, const char *plan, int n,
                            sqlite3_value **values)
{
    memset(q, 0, sizeof *q);
    fl_scan_query_init(&q->scan);
    q->scan.columns = (uint32_t)fields;
    for (int i = 0; i < n; i++) {
        int rc = take(q, plan[2 * i] - 'A', plan[2 * i + 1], values[i]);
        if (rc != SQLITE_OK)
            return rc;
    }
    int rc = keep_shown(plan, n, values, FL_COL_HOST, &q->host);
    return rc == SQLITE_OK ? keep_shown(plan, n, values, FL_COL_PORT, &q->port) : rc;
}

void fl_flowtable_query_clear(struct fl_flowtable_query *q)
{
    for (size_t i = 0; i < q->scan.n_hosts; i++)
        free(q->scan.hosts[i].items);
    for (size_t i = 0; i < q->scan.n_ports; i++)
        free(q->scan.ports[i].items);
    sqlite3_value_free(q->host);
    sqlite3_value_free(q->port);
    memset(q, 0, sizeof *q);
}
