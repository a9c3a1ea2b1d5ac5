/* Every SQL statement of the rules database, in one table that a test walks. Nothing here is ever put
 * together from input: values come in as parameters. */
#include "storage/rulesdb_parts.h"

/* Broken alerts come to an end at ?2; those that were closed already keep their note. A condition follows. */
#define END_BROKEN(note)                                                                                     \
    "UPDATE alert SET subject = NULL, rules = 0, changed_ms = iif(state = 'closed', changed_ms, ?2), "       \
    "closed_ms = ifnull(closed_ms, ?2), note = iif(state = 'closed', note, " note                            \
    "), state = 'closed' WHERE kind = 'broken' AND subject IS NOT NULL AND "
/* The rule of member m has been gone for a week. */
#define LONG_GONE                                                                                            \
    "EXISTS (SELECT 1 FROM rule r JOIN location l ON l.id = r.location_id JOIN rule_status s ON s.rule_id "  \
    "= "                                                                                                     \
    "r.id WHERE r.id = m.rule_id AND s.status = 'gone' AND r.newest_ms <= l.newest_ms - l.gone_after_ms - "  \
    "604800000)"
/* Rule n began when b last held, give or take an hour before and a day after. */
#define TOOK_ITS_PLACE "n.first_seen_ms BETWEEN b.hit_ms - 3600000 AND b.hit_ms + 86400000"

const struct fl_rulesdb_statement fl_rulesdb_statements[N_SQL] = {
    [SQL_BEGIN] = {"BEGIN IMMEDIATE", false},
    [SQL_COMMIT] = {"COMMIT", false},
    [SQL_ROLLBACK] = {"ROLLBACK", false},
    [SQL_ADD_LOCATION] =
        {"INSERT INTO location (name, newest_ms, gone_after_ms, learning_until_ms) VALUES (?1, ?2, "
         "ifnull(nullif("
         "?3, 0), 604800000), nullif(?4, 0)) ON CONFLICT (name) DO UPDATE SET newest_ms = max(newest_ms, "
         "excluded.newest_ms), gone_after_ms = excluded.gone_after_ms, learning_until_ms = "
         "excluded.learning_until_ms",
         false},
    [SQL_LOCATION] = {"SELECT id FROM location WHERE name = ?1", false},
    [SQL_ADD_RUN] =
        {"INSERT INTO run (location_id, from_ms, to_ms, started_ms, took_ms, flows, conversations, nodes, "
         "pairs_tested, rules, instances, damaged, scheduled, unclean) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
         "?8, ?9, ?10, ?11, ?12, ?13, ?14)",
         false},
    [SQL_FINISH_RUN] = {"UPDATE run SET novel = ?2, first_time = ?3 WHERE id = ?1", false},
    [SQL_LAST_SCHEDULED] =
        {"SELECT max(r.to_ms) FROM location l JOIN run r ON r.location_id = l.id WHERE l.name = ?1 AND "
         "r.scheduled = 1 HAVING max(r.to_ms) IS NOT NULL",
         false},
    [SQL_FIND_RULE] = {"SELECT id, figures_id FROM rule WHERE location_id = ?1 AND identity = ?2", true},
    [SQL_KNOWN_ELSEWHERE] = {"SELECT 1 FROM rule r JOIN rule_status s ON s.rule_id = r.id WHERE r.shape = ?2 "
                             "AND r.location_id <> ?1 "
                             "AND s.status IN ('known', 'gone') LIMIT 1",
                             true},
    [SQL_KNOWN_SHAPE] =
        {"SELECT 1 FROM rule r JOIN rule_status s ON s.rule_id = r.id WHERE r.location_id = ?1 AND "
         "r.shape = ?2 AND s.status IN ('known', 'gone') LIMIT 1",
         true},
    [SQL_ADD_RULE] =
        {"INSERT INTO rule (location_id, identity, shape, novelty, learned, figures_id, first_seen_ms, "
         "last_seen_ms, newest_ms, found_ms, held, held_why, runs_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
         "?8, ?9, "
         "?9, ?10 IS NOT NULL, ?10, 0)",
         true},
    [SQL_FOLDED] =
        {"SELECT f.text, i.rule_id FROM rule r JOIN instance i ON i.rule_id = r.id JOIN figures f ON "
         "f.id = i.figures_id WHERE r.location_id = ?1 ORDER BY r.newest_ms, r.id",
         true},
    [SQL_TOLD] =
        {"SELECT f.text, a.id FROM alert a JOIN alert_member m ON m.alert_id = a.id JOIN rule r ON r.id = "
         "m.rule_id JOIN figures f ON f.id = r.figures_id WHERE a.state IN ('open', 'acked') AND a.kind = "
         "'novel' AND a.location = ?1 ORDER BY a.id DESC",
         false},
    [SQL_LASTING_KIN] =
        {"SELECT r.id FROM json_each(?1) k JOIN rule r ON r.id = k.value JOIN rule_status s ON s.rule_id = "
         "r.id LEFT JOIN decision d ON d.id = s.decision_id ORDER BY ifnull(d.until_ms, 9223372036854775807) "
         "DESC, r.id LIMIT 1 OFFSET ?2",
         false},
    [SQL_LEARN_AS] =
        {"UPDATE rule SET learned = 1 WHERE id = ?1 AND EXISTS (SELECT 1 FROM rule p WHERE p.id = ?2 AND "
         "p.learned AND (?3 OR p.found_ms <= rule.found_ms))",
         true},
    [SQL_COVER_AS] =
        {"INSERT INTO coverage (rule_id, decision_id) SELECT ?1, s.decision_id FROM rule_status s "
         "WHERE s.rule_id = ?2 AND s.decision_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
         "coverage c WHERE c.rule_id = ?1)",
         true},
    [SQL_COVER_BY_IDENTITY] =
        {"INSERT OR IGNORE INTO coverage (rule_id, decision_id) SELECT ?1, id FROM decision WHERE "
         "identity = ?2 AND (location IS NULL OR location = ?3)",
         true},
    [SQL_PATTERNS] =
        {"SELECT id, pattern FROM decision WHERE pattern IS NOT NULL AND (location IS NULL OR location = "
         "?1) ORDER BY id",
         false},
    [SQL_OUTWEIGH] = {"DELETE FROM coverage WHERE rule_id = ?1 AND EXISTS (SELECT 1 FROM decision o JOIN "
                      "coverage c ON c.rule_id = "
                      "?1 JOIN decision n ON n.id = c.decision_id WHERE o.id = coverage.decision_id AND n.id "
                      "< o.id AND n.made_ms > "
                      "o.made_ms)",
                      true},
    [SQL_COVER] = {"INSERT OR IGNORE INTO coverage (rule_id, decision_id) VALUES (?1, ?2)", true},
    [SQL_PUT_FIGURES] =
        {"INSERT OR REPLACE INTO figures (id, text, both, antecedent_client, antecedent_client_port, "
         "antecedent_server, antecedent_server_port, antecedent_protocol, consequent_client, "
         "consequent_client_port, consequent_server, consequent_server_port, consequent_protocol, "
         "evidence, present, confidence, reverse_confidence, lift, score, n_antecedent, n_consequent, "
         "n_both, n_windows, expected, q_value, log10_p, lag_ms, lag_spread_ms, clock, hosts, instances, "
         "lag_histogram, period_ms, period_spread_ms, missed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
         "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, "
         "?29, ?30, ?31, ?32, ?33, ?34, ?35)",
         true},
    [SQL_ADD_EXAMPLE] =
        {"INSERT INTO example (figures_id, position, time_ms, antecedent_client, antecedent_client_port, "
         "antecedent_server, antecedent_server_port, consequent_client, consequent_client_port, "
         "consequent_server, consequent_server_port) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
         "?11)",
         true},
    [SQL_ADD_SIGHTING] = {"INSERT OR IGNORE INTO sighting (rule_id, from_ms, to_ms) VALUES (?1, ?2, ?3)",
                          true},
    [SQL_FORGET_SIGHTINGS] = {"DELETE FROM sighting WHERE rule_id = ?1 AND from_ms < ?2", true},
    [SQL_MOVE_RULE] =
        {"UPDATE rule SET last_seen_ms = max(last_seen_ms, ?2), newest_ms = max(newest_ms, ?3), runs_seen "
         "= runs_seen + ?4 WHERE id = ?1",
         true},
    [SQL_CONFIRM_RULE] = {"UPDATE rule SET held = 0 WHERE id = ?1 AND held AND (?2 OR found_ms <= ?3)", true},
    [SQL_FOUND_LEARNING] =
        {"SELECT 1 FROM rule r JOIN location l ON l.id = r.location_id WHERE r.id = ?1 AND r.found_ms <= "
         "max(ifnull(l.learning_until_ms, 0), ifnull(l.relearn_until_ms, 0))",
         true},
    [SQL_IS_HELD] = {"SELECT held FROM rule WHERE id = ?1", true},
    [SQL_DROP_HELD] =
        {"DELETE FROM rule WHERE held AND location_id = ?1 AND newest_ms <= ?3 AND NOT EXISTS (SELECT 1 FROM "
         "coverage c WHERE c.rule_id = rule.id) AND NOT EXISTS (SELECT 1 FROM sighting g WHERE g.rule_id = "
         "rule.id AND ((g.from_ms = ?2 AND g.to_ms = ?3) OR g.to_ms - g.from_ms > ?3 - ?2))",
         false},
    [SQL_LEARN_RULE] =
        {"UPDATE rule SET learned = 1, known_why = NULL WHERE id = ?1 AND (NOT learned OR known_why IS NOT "
         "NULL)",
         true},
    [SQL_NOTE_KNOWN_WHY] = {"UPDATE rule SET known_why = ?2 WHERE id = ?1", true},
    [SQL_FIRST_RUN] =
        {"SELECT min(r.to_ms) FROM location l JOIN run r ON r.location_id = l.id WHERE l.name = ?1 "
         "HAVING min(r.to_ms) IS NOT NULL",
         false},
    [SQL_RELEARN_UNTIL] = {"SELECT relearn_until_ms FROM location WHERE name = ?1 AND relearn_until_ms > 0",
                           false},
    [SQL_SET_RELEARN] = {"UPDATE location SET relearn_until_ms = newest_ms + ?2 WHERE name = ?1", false},
    [SQL_CLOSE_FORGOTTEN] =
        {END_BROKEN("'its rule was forgotten'") "location = ?1 AND NOT EXISTS (SELECT 1 FROM alert_member m "
                                                "JOIN rule r ON r.id = m.rule_id WHERE m.alert_id = alert.id "
                                                "AND NOT (r.learned AND NOT EXISTS "
                                                "(SELECT 1 FROM coverage c WHERE c.rule_id = r.id)))",
         false},
    [SQL_FORGET_LEARNED] = {"DELETE FROM rule WHERE learned AND location_id = (SELECT id FROM location WHERE "
                            "name = ?1) AND NOT EXISTS "
                            "(SELECT 1 FROM coverage c WHERE c.rule_id = rule.id)",
                            false},
    [SQL_DROP_LOOSE_FIGURES] = {"DELETE FROM figures WHERE NOT EXISTS (SELECT 1 FROM rule r WHERE "
                                "r.figures_id = figures.id) AND NOT EXISTS "
                                "(SELECT 1 FROM instance i WHERE i.figures_id = figures.id)",
                                false},
    [SQL_STATUS] = {"SELECT status FROM rule_status WHERE rule_id = ?1", true},
    [SQL_DROP_INSTANCES] =
        {"DELETE FROM figures WHERE id IN (SELECT figures_id FROM instance WHERE rule_id = ?1)", true},
    [SQL_MEMBERS] =
        {"SELECT f.text FROM instance i JOIN figures f ON f.id = i.figures_id WHERE i.rule_id = ?1", true},
    [SQL_UNLEARN] =
        {"UPDATE rule SET learned = 0, novelty = 'new-hosts', found_ms = ?2, held = ?3 IS NOT NULL, "
         "held_why = ?3 WHERE id = ?1",
         true},
    [SQL_UNCOVER] =
        {"DELETE FROM coverage WHERE rule_id = ?1 AND EXISTS (SELECT 1 FROM decision d WHERE d.id = "
         "coverage.decision_id AND d.pattern IS NULL)",
         true},
    [SQL_ADD_INSTANCE] = {"INSERT INTO instance (rule_id, position, figures_id) VALUES (?1, ?2, ?3)", true},
    [SQL_CLUSTER_OF] = {"SELECT ifnull(cluster_id, 0) FROM rule WHERE id = ?1", true},
    [SQL_SHAPE_OF] =
        {"SELECT min(o.id) FROM rule r JOIN rule o ON o.shape = r.shape AND o.location_id = r.location_id "
         "WHERE r.id = ?1",
         true},
    [SQL_ADD_CLUSTER] =
        {"INSERT INTO cluster (location_id, name, form, rules, nodes, score) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
         true},
    [SQL_PUT_CLUSTER] = {"UPDATE cluster SET name = ?2, form = ?3, rules = ?4, nodes = ?5, score = ?6 WHERE "
                         "id = ?1",
                         true},
    [SQL_JOIN_CLUSTER] = {"UPDATE rule SET cluster_id = nullif(?2, 0) WHERE id = ?1", true},
    [SQL_DROP_CLUSTERS] = {"DELETE FROM cluster WHERE location_id = ?1 AND NOT EXISTS (SELECT 1 FROM rule r "
                           "WHERE r.cluster_id = cluster.id)",
                           false},
    [SQL_LIVE_ALERT] =
        {"SELECT a.id FROM alert_member m JOIN alert a ON a.id = m.alert_id WHERE m.rule_id = ?1 "
         "AND a.kind = 'novel' AND a.state IN ('open', 'acked') ORDER BY a.id DESC LIMIT 1",
         true},
    [SQL_OUTGROWN] =
        {"SELECT 1 FROM alert a WHERE a.id = ?1 AND a.rules < (SELECT count(*) FROM alert_member m JOIN rule "
         "r "
         "ON r.id = m.rule_id JOIN rule_status s ON s.rule_id = r.id WHERE m.alert_id = a.id AND NOT r.held "
         "AND s.status = 'novel' AND NOT EXISTS (SELECT 1 FROM alert_member o JOIN alert b ON b.id = "
         "o.alert_id WHERE "
         "o.rule_id = r.id AND o.alert_id > a.id AND b.kind = 'novel' AND b.state IN ('open', 'acked')))",
         true},
    [SQL_CLUSTER_ALERT] =
        {"SELECT max(a.id) FROM rule r JOIN rule o ON o.cluster_id = r.cluster_id JOIN alert_member m ON "
         "m.rule_id "
         "= o.id JOIN alert a ON a.id = m.alert_id WHERE r.id = ?1 AND a.state = 'open' AND a.kind = 'novel' "
         "HAVING max(a.id) IS NOT NULL",
         true},
    [SQL_ADD_ALERT] =
        {"INSERT INTO alert (location, kind, severity, state, opened_ms, made_ms, changed_ms, rule_id, "
         "cluster_id, rule, novelty, rules, text, why) SELECT ?1, 'novel', ?2, 'open', ?8, ?9, ?9, id, "
         "cluster_id, ?4, ?5, ?10, ?6, ?7 FROM rule WHERE id = ?3",
         true},
    [SQL_ADD_MEMBER] = {"INSERT OR IGNORE INTO alert_member (alert_id, rule_id) VALUES (?1, ?2)", true},
    [SQL_ALERT_MEMBERS] =
        {"SELECT r.id, f.text, r.novelty, f.both, f.n_both, f.n_antecedent, f.lift, f.q_value, f.clock, "
         "f.period_ms, f.period_spread_ms, f.missed, r.cluster_id, r.shape, r.found_ms FROM rule r JOIN "
         "figures f "
         "ON "
         "f.id = "
         "r.figures_id WHERE r.id IN (SELECT rule_id FROM alert_member WHERE alert_id = ?1 UNION ALL SELECT "
         "value FROM json_each(?2)) AND NOT r.held AND NOT EXISTS (SELECT 1 FROM alert_member o JOIN alert b "
         "ON b.id = "
         "o.alert_id WHERE o.rule_id = r.id AND o.alert_id > ?1 AND b.kind = 'novel' AND b.state IN ('open', "
         "'acked')) "
         "AND (SELECT status FROM rule_status WHERE rule_id = r.id) = 'novel' ORDER BY f.score DESC, r.id",
         false},
    [SQL_ALERT_HOSTS] =
        {"WITH f AS MATERIALIZED (SELECT g.antecedent_client AS a, g.antecedent_server AS b, "
         "g.consequent_client AS c, g.consequent_server AS d, g.hosts AS hosts FROM rule r JOIN figures g ON "
         "g.id = r.figures_id WHERE r.id IN (SELECT rule_id FROM alert_member WHERE alert_id = ?1 UNION ALL "
         "SELECT value FROM json_each(?2)) AND (SELECT status FROM rule_status WHERE rule_id = r.id) = "
         "'novel') SELECT (SELECT "
         "count(*) FROM (SELECT a AS host FROM f UNION SELECT b FROM f UNION SELECT c FROM f UNION SELECT d "
         "FROM f) WHERE host <> '*') + (SELECT max(hosts) FROM f)",
         false},
    [SQL_ALERT_PLACE] =
        {"SELECT l.name, c.name, r.held_why FROM rule r JOIN location l ON l.id = r.location_id "
         "LEFT JOIN cluster c ON c.id = r.cluster_id WHERE r.id = ?1",
         true},
    [SQL_PUT_ALERT] =
        {"UPDATE alert SET severity = ?2, rule_id = ?3, rule = ?4, novelty = ?5, rules = ?6, text = ?7, why "
         "= "
         "?8, changed_ms = ?9, cluster_id = (SELECT cluster_id FROM rule r WHERE r.id = ?3) WHERE id = ?1",
         true},
    [SQL_LAST_ALERT] =
        {"SELECT a.id FROM alert_member m JOIN alert a ON a.id = m.alert_id WHERE m.rule_id = ?1 "
         "AND a.kind = 'novel' ORDER BY a.id DESC LIMIT 1",
         true},
    [SQL_CLOSE_ALERT] =
        {"UPDATE alert SET state = 'closed', closed_ms = ?2, changed_ms = ?2, note = ?3, author = "
         "?4, rules = 0 WHERE id = ?1",
         true},
    [SQL_REOPEN_ALERT] =
        {"UPDATE alert SET state = 'open', closed_ms = NULL, acked_ms = NULL, changed_ms = ?2, note = NULL, "
         "author = NULL WHERE id = ?1 AND state = 'closed'",
         true},
    [SQL_UNACK_ALERT] =
        {"UPDATE alert SET state = 'open', acked_ms = NULL, note = NULL, author = NULL WHERE id = ?1 AND "
         "state = 'acked'",
         true},
    [SQL_ALERT_IS_BROKEN] = {"SELECT kind = 'broken' FROM alert WHERE id = ?1", true},
    [SQL_ALERTS_TO_ACK] =
        {"SELECT id FROM alert WHERE state = 'open' AND (?1 IS NULL OR location = ?1) ORDER BY "
         "id",
         false},
    [SQL_ACK_ALERT] =
        {"UPDATE alert SET state = 'acked', acked_ms = ?4, changed_ms = ?4, note = ?2, author = ?3 "
         "WHERE id = ?1 AND state = 'open'",
         true},
    [SQL_ALERT] =
        {"SELECT id, location, kind, severity, state, opened, rule_id, rule, novelty, text, closed, note, "
         "made, why, rules, cluster, cluster_id, changed, acked, author FROM alerts WHERE id = ?1",
         true},
    [SQL_RULES] =
        {"SELECT id, location, rule, arrow, status, novelty, antecedent, consequent, confidence, "
         "reverse_confidence, lift, score, support, expected, q_value, log10_p, lag_ms, evidence, clock, "
         "first_seen, last_seen, runs_seen, cluster, instances, note, cluster_id, held, gone_why, known_why, "
         "period_ms, period_spread_ms, missed FROM rules WHERE (?1 IS NULL OR "
         "location = ?1) AND (?2 = 'all' OR status = ?2 OR (?2 IS NULL AND status IN ('novel', 'known'))) "
         "AND (?3 = 0 OR cluster_id = ?3) AND (?4 = 0 OR id IN (SELECT rule_id FROM alert_member WHERE "
         "alert_id = "
         "?4)) ORDER BY id",
         false},
    [SQL_RULE] =
        {"SELECT id, location, rule, arrow, status, novelty, antecedent, consequent, confidence, "
         "reverse_confidence, lift, score, support, expected, q_value, log10_p, lag_ms, evidence, clock, "
         "first_seen, last_seen, runs_seen, cluster, instances, note, cluster_id, held, gone_why, known_why, "
         "period_ms, period_spread_ms, missed FROM rules WHERE id = ?1",
         true},
    [SQL_INSTANCES] =
        {"SELECT NULL AS id, l.name AS location, f.text AS rule, CASE WHEN f.evidence = "
         "'periodic' THEN 'every' WHEN f.both THEN '<=>' ELSE '=>' END AS arrow, NULL AS novelty, "
         "json_object('client', f.antecedent_client, 'client_port', f.antecedent_client_port, "
         "'server', f.antecedent_server, 'server_port', f.antecedent_server_port, 'protocol', "
         "f.antecedent_protocol) AS antecedent, iif(f.consequent_client IS NULL, NULL, json_object('client', "
         "f.consequent_client, 'client_port', f.consequent_client_port, 'server', f.consequent_server, "
         "'server_port', f.consequent_server_port, 'protocol', f.consequent_protocol)) AS consequent, "
         "f.confidence, "
         "f.reverse_confidence, f.lift, f.score, f.n_both AS support, f.expected, f.q_value, f.log10_p, "
         "f.lag_ms, f.evidence, f.clock, NULL AS first_seen, NULL AS last_seen, NULL AS runs_seen, NULL "
         "AS cluster, f.instances, NULL AS note, NULL AS cluster_id, NULL AS held, NULL AS gone_why, "
         "NULL AS known_why, f.period_ms, "
         "f.period_spread_ms, "
         "f.missed FROM instance i JOIN rule r ON r.id = i.rule_id JOIN "
         "location l ON l.id = r.location_id JOIN figures f ON f.id = i.figures_id WHERE i.rule_id = ?1 "
         "ORDER BY i.position",
         true},
    [SQL_EVIDENCE] =
        {"SELECT id, location, rule, arrow, status, novelty, antecedent, consequent, confidence, "
         "reverse_confidence, lift, score, support, expected, q_value, log10_p, lag_ms, evidence, clock, "
         "first_seen, last_seen, runs_seen, cluster, instances, note, cluster_id, held, gone_why, known_why, "
         "period_ms, period_spread_ms, missed, n_antecedent, n_consequent, n_both, n_windows, hosts, "
         "lag_spread_ms, "
         "present, lag_histogram FROM rules WHERE id = ?1",
         true},
    [SQL_EXAMPLES] =
        {"SELECT strftime('%Y-%m-%dT%H:%M:%fZ', e.time_ms / 1000.0, 'unixepoch') AS time, "
         "json_object('client', e.antecedent_client, 'client_port', e.antecedent_client_port, 'server', "
         "e.antecedent_server, 'server_port', e.antecedent_server_port, 'protocol', "
         "f.antecedent_protocol) AS antecedent, iif(e.consequent_client IS NULL, NULL, json_object('client', "
         "e.consequent_client, 'client_port', e.consequent_client_port, 'server', e.consequent_server, "
         "'server_port', e.consequent_server_port, 'protocol', f.consequent_protocol)) AS consequent FROM "
         "rule r JOIN "
         "figures f ON f.id = r.figures_id JOIN example e ON e.figures_id = f.id WHERE r.id = ?1 ORDER BY "
         "e.position",
         true},
    [SQL_DECISION] =
        {"SELECT d.id, d.verdict, d.author, d.note, strftime('%Y-%m-%dT%H:%M:%fZ', d.made_ms / 1000.0, "
         "'unixepoch') AS made, strftime('%Y-%m-%dT%H:%M:%fZ', d.until_ms / 1000.0, 'unixepoch') AS "
         "until, d.pattern FROM rule_status s JOIN decision d ON d.id = s.decision_id WHERE s.rule_id = "
         "?1",
         true},
    [SQL_FIND_IDENTITY] =
        {"SELECT r.id FROM rule r JOIN location l ON l.id = r.location_id WHERE r.identity = ?1 AND (?2 "
         "IS NULL OR l.name = ?2) ORDER BY r.id LIMIT 2",
         true},
    [SQL_ALERTS] =
        {"SELECT id, location, kind, severity, state, opened, rule_id, rule, novelty, text, closed, note, "
         "made, why, rules, cluster, cluster_id, changed, acked, author, "
         "(SELECT json_group_array(json_object('sink', d.sink, 'event', d.event, 'kind', d.kind, 'state', "
         "d.state, 'attempts', d.attempts, 'error', d.error, 'done', d.done, 'next', d.next)) FROM (SELECT * "
         "FROM deliveries WHERE alert_id = alerts.id ORDER BY event_id, sink) d) AS delivery FROM alerts "
         "WHERE id > ?3 AND (?4 IS NULL OR changed >= ?4) AND (?1 IS NULL OR location = ?1) AND (?2 = 'all' "
         "OR "
         "state = "
         "ifnull(?2, 'open')) ORDER BY id",
         false},
    [SQL_LACKING] = {"WITH there AS MATERIALIZED (SELECT identity, shape FROM rules WHERE location = ?2 AND "
                     "status IN ('novel', "
                     "'known')), alike AS MATERIALIZED (SELECT shape, count(*) AS n FROM there GROUP BY "
                     "shape) SELECT here.location, "
                     "here.id, here.rule, here.status, here.shape, ifnull(alike.n, 0) AS same_shape FROM "
                     "rules here LEFT JOIN alike "
                     "ON alike.shape = here.shape WHERE here.location = ?1 AND here.status IN ('novel', "
                     "'known') AND here.identity "
                     "NOT IN (SELECT identity FROM there) ORDER BY here.shape, here.id",
                     false},
    [SQL_COMMON] = {"SELECT count(*) FROM rules WHERE location = ?1 AND status IN ('novel', 'known') AND "
                    "identity IN (SELECT "
                    "identity FROM rules WHERE location = ?2 AND status IN ('novel', 'known'))",
                    false},
    [SQL_SHAPES] =
        {"SELECT shape, locations, rules, known, at, example FROM shapes WHERE ?1 IS NULL OR shape IN "
         "(SELECT "
         "shape FROM rules WHERE location = ?1 AND status IN ('novel', 'known')) ORDER BY locations DESC, "
         "rules DESC, shape",
         false},
    [SQL_RUNS] = {"SELECT id, location, \"from\", \"to\", started, took_ms, flows, conversations, nodes, "
                  "pairs_tested, "
                  "rules, instances, novel, first_time, damaged, scheduled, unclean FROM runs WHERE ?1 IS "
                  "NULL OR location "
                  "= ?1 ORDER BY id",
                  false},
    [SQL_EXPORTERS] =
        {"SELECT address, domain, version, location, packets, flows, lost, malformed, unknown_template, "
         "sampling, clock_skew_ms, first_seen, last_seen, source_port, time_fallbacks, templates, "
         "sampling_source, reordered, duplicates, restarts, waiting, not_flows, options, template_oldest, "
         "template_newest, sampling_told, active_timeout_ms, inactive_timeout_ms, flows_per_s FROM exporters "
         "ORDER BY location, address, domain, source_port, version",
         false},
    [SQL_LOCATIONS] =
        {"SELECT location, newest, runs, rules, novel, known, ignored, gone, open_alerts, settled, "
         "alerts_a_day, learning_until, held FROM locations ORDER BY location",
         false},
    [SQL_CLUSTERS] =
        {"SELECT id, location, name, form, rules, nodes, score FROM clusters WHERE ?1 IS NULL OR "
         "location = ?1 ORDER BY location, id",
         false},
    [SQL_SERVICE] = {"SELECT datagrams, refused, malformed, kernel_drops, queue_shed, disk_shed, stored, "
                     "strftime('%Y-%m-%dT%H:%M:%fZ', started_ms / 1000.0, 'unixepoch') AS started, "
                     "strftime('%Y-%m-%dT%H:%M:%fZ', updated_ms / 1000.0, 'unixepoch') AS updated, running, "
                     "sessions_dropped FROM service WHERE id = 1",
                     false},
    [SQL_CANDIDATES] =
        {"SELECT id, rule, status FROM rules WHERE (?1 IS NULL OR location = ?1) AND (?2 = 0 OR cluster_id = "
         "?2) AND (?3 = 0 OR id IN (SELECT rule_id FROM alert_member WHERE alert_id = ?3)) ORDER BY id",
         false},
    [SQL_CLUSTER] = {"SELECT 1 FROM cluster WHERE id = ?1", true},
    [SQL_RULES_OF_IDENTITY] =
        {"SELECT r.id FROM rule r JOIN location l ON l.id = r.location_id WHERE r.identity = ?1 "
         "AND (?2 IS NULL OR l.name = ?2) ORDER BY r.id",
         true},
    [SQL_COUNT_OPEN] = {"SELECT count(*) FROM alert WHERE state = 'open'", false},
    [SQL_DECISIONS] =
        {"SELECT id, location, verdict, rule, pattern, author, note, made, until, rules, NULL AS "
         "known_why FROM decisions WHERE holds AND "
         "(?1 IS NULL OR location IS NULL OR location = ?1) ORDER BY id",
         false},
    [SQL_LEARNED] =
        {"SELECT NULL AS id, l.name AS location, 'learned' AS verdict, r.identity AS rule, NULL AS pattern, "
         "NULL AS "
         "author, NULL AS note, NULL AS made, NULL AS until, 1 AS rules, r.known_why FROM rule r JOIN "
         "location l ON l.id "
         "= "
         "r.location_id JOIN rule_status s ON s.rule_id = r.id WHERE r.learned AND s.status = 'known' AND "
         "s.decision_id IS NULL AND (?1 IS NULL OR l.name = ?1) ORDER BY l.name, r.identity",
         false},
    [SQL_DECIDED_SINCE] = {"SELECT max(made_ms) FROM (SELECT made_ms FROM decision WHERE identity = ?1 AND "
                           "(location IS NULL OR location "
                           "= ?3) UNION ALL SELECT made_ms FROM decision WHERE pattern IS NOT NULL AND "
                           "pattern = ?2 AND (location IS "
                           "NULL OR location = ?3)) HAVING max(made_ms) IS NOT NULL",
                           false},
    [SQL_KNOWS_ALREADY] = {"SELECT 1 FROM rule r JOIN location l ON l.id = r.location_id JOIN rule_status s "
                           "ON s.rule_id = r.id WHERE "
                           "r.identity = ?1 AND l.name = ?2 AND s.status IN ('known', 'gone')",
                           true},
    [SQL_RULE_KEY] =
        {"SELECT l.name, r.identity FROM rule r JOIN location l ON l.id = r.location_id WHERE r.id = ?1",
         true},
    [SQL_ADD_DECISION] =
        {"INSERT INTO decision (location, identity, pattern, verdict, author, note, made_ms, until_ms) "
         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 9223372036854775807))",
         true},
    [SQL_PUT_EXPORTER] =
        {"INSERT INTO exporter (address, source_port, domain, version, location, packets, flows, lost, "
         "malformed, unknown_template, time_fallbacks, templates, sampling, sampling_source, "
         "clock_skew_ms, first_seen_ms, last_seen_ms, reordered, duplicates, restarts, waiting, not_flows,"
         " options, template_oldest_ms, template_newest_ms, sampling_told, active_timeout_ms, "
         "inactive_timeout_ms, flows_per_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
         "?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29) ON CONFLICT"
         " DO UPDATE SET location = excluded.location, packets = excluded.packets, flows = excluded.flows,"
         " lost = excluded.lost, malformed = excluded.malformed, unknown_template = "
         "excluded.unknown_template, time_fallbacks = excluded.time_fallbacks, templates = "
         "excluded.templates, sampling = excluded.sampling, sampling_source = excluded.sampling_source, "
         "clock_skew_ms = excluded.clock_skew_ms, first_seen_ms = excluded.first_seen_ms, last_seen_ms = "
         "excluded.last_seen_ms, reordered = excluded.reordered, duplicates = excluded.duplicates, "
         "restarts = excluded.restarts, waiting = excluded.waiting, not_flows = excluded.not_flows, "
         "options = excluded.options, template_oldest_ms = excluded.template_oldest_ms, template_newest_ms"
         " = excluded.template_newest_ms, sampling_told = excluded.sampling_told, active_timeout_ms = "
         "excluded.active_timeout_ms, inactive_timeout_ms = excluded.inactive_timeout_ms, flows_per_s = "
         "excluded.flows_per_s",
         false},
    [SQL_PUT_SERVICE] =
        {"INSERT OR REPLACE INTO service (id, datagrams, refused, malformed, kernel_drops, queue_shed, "
         "disk_shed, stored, started_ms, updated_ms, running, sessions_dropped) VALUES (1, ?1, ?2, ?3, ?4,"
         " ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
         false},
    [SQL_CLEAR_REFUSED] = {"DELETE FROM refused_sender", false},
    [SQL_ADD_REFUSED] =
        {"INSERT OR REPLACE INTO refused_sender (address, datagrams, last_seen_ms) VALUES (?1, ?2, ?3)",
         false},
    [SQL_REFUSED] =
        {"SELECT address, datagrams, strftime('%Y-%m-%dT%H:%M:%fZ', last_seen_ms / 1000.0, 'unixepoch') AS"
         " last_seen FROM refused_sender ORDER BY datagrams DESC, address",
         false},
    [SQL_FORGET_EXPORTERS] =
        {"DELETE FROM exporter WHERE last_seen_ms < ?1 OR (address, source_port, domain, version) IN (SELECT "
         "address, source_port, domain, version FROM exporter ORDER BY last_seen_ms DESC LIMIT -1 OFFSET ?2) "
         "RETURNING address, source_port, domain, version",
         false},
    [SQL_FORGET_TEMPLATES] =
        {"DELETE FROM template WHERE address = ?1 AND source_port = ?2 AND domain = ?3 AND version = ?4",
         true},
    [SQL_FORGET_ORPHANS] =
        {"DELETE FROM template AS t WHERE t.defined_ms < ?1 AND NOT EXISTS (SELECT 1 FROM exporter e WHERE"
         " e.address = t.address AND e.source_port = t.source_port AND e.domain = t.domain AND e.version ="
         " t.version)",
         false},
    [SQL_PUT_TEMPLATE] =
        {"INSERT OR REPLACE INTO template (address, source_port, domain, version, id, options, defined_ms,"
         " bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
         false},
    [SQL_DROP_TEMPLATE] =
        {"DELETE FROM template WHERE address = ?1 AND source_port = ?2 AND domain = ?3 AND version = ?4 "
         "AND id = ?5 AND defined_ms <= ?6",
         false},
    [SQL_TEMPLATES] =
        {"SELECT address, source_port, domain, version, id, options, defined_ms, bytes FROM template ORDER"
         " BY address, source_port, domain, version, id",
         false},
    [SQL_TO_RECHECK] =
        {"SELECT r.id, f.text, f.evidence = 'during', ifnull(f.present = 'antecedent', 0), f.confidence, "
         "f.reverse_confidence, f.both, f.clock IS NOT NULL, f.hosts, r.hit_ms, r.mended_ms, f.n_antecedent, "
         "f.n_consequent, r.awake_both, r.awake_first, r.awake_second FROM location l JOIN rule r ON "
         "r.location_id = "
         "l.id JOIN figures f ON f.id = r.figures_id JOIN rule_status s ON s.rule_id = r.id WHERE l.name = "
         "?1 AND "
         "(s.status = 'known' OR (s.status = 'gone' AND r.newest_ms > l.newest_ms - l.gone_after_ms - "
         "604800000)) ORDER BY r.id",
         false},
    [SQL_NOTE_AWAKE] =
        {"UPDATE rule SET awake_both = ?2, awake_first = ?3, awake_second = ?4 WHERE id = ?1 AND "
         "ifnull(recheck_ms, ?5) <= ?5",
         true},
    [SQL_NOTE_HIT] = {"UPDATE rule SET missed_first = 0, missed_second = 0, missed_ms = 0 WHERE id = ?1 AND "
                      "missed_ms > 0 AND ifnull(recheck_ms, ?2) <= ?2",
                      true},
    [SQL_NOTE_MISSED] =
        {"UPDATE rule SET missed_first = missed_first + ?4, missed_second = missed_second + ?5, "
         "missed_ms = ?3 WHERE id = ?1 AND missed_ms <= ?2",
         true},
    [SQL_MISSED] = {"SELECT missed_first, missed_second FROM rule WHERE id = ?1", true},
    [SQL_NOTE_RECHECK] =
        {"UPDATE rule SET recheck_ms = ?2, recheck_antecedent = ?3, recheck_consequent = ?4, "
         "recheck_both = ?5, hit_ms = nullif(max(ifnull(hit_ms, ?6), ?6), -9223372036854775808), "
         "rest_before_ms = CASE rest_fortnight WHEN ?8 THEN rest_before_ms WHEN ?8 - 1 THEN rest_ms ELSE 0 "
         "END, "
         "rest_ms = iif(rest_fortnight = ?8, max(rest_ms, ?7), ?7), rest_fortnight = ?8 WHERE id = ?1 AND "
         "ifnull(recheck_ms, ?2) <= ?2",
         true},
    [SQL_RESTS] =
        {"SELECT hit_ms, max(rest_ms, rest_before_ms), told_ms, told_from_ms FROM rule WHERE id = ?1", true},
    [SQL_SAMPLED_ANEW] = {"SELECT 1 FROM rule r JOIN quality q ON q.location = ?2 AND q.hour_ms > "
                          "r.newest_ms - ?3 - 3600000 WHERE r.id = "
                          "?1 AND q.sampling_changes > 0 LIMIT 1",
                          true},
    [SQL_NOTE_MENDED] = {"UPDATE rule SET rest_ms = iif(?3 - mended_ms <= 2419200000 AND 4 * max(told_ms, "
                         "?2) <= 5 * min(told_ms, "
                         "?2), max(rest_ms, ?2), rest_ms), told_ms = ?2, mended_ms = ?3 WHERE id = ?1",
                         true},
    [SQL_NOTE_TOLD] = {"UPDATE rule SET told_from_ms = ?2 WHERE id = ?1", true},
    [SQL_BROKEN_EPISODE] =
        {"SELECT a.id FROM alert_member m JOIN alert a ON a.id = m.alert_id WHERE m.rule_id "
         "= ?1 AND a.kind = 'broken' AND a.subject IS NOT NULL",
         true},
    [SQL_ADD_BROKEN] =
        {"INSERT INTO alert (location, kind, severity, state, opened_ms, made_ms, changed_ms, "
         "rule_id, subject, rule, rules, text, why, note, closed_ms) SELECT ?1, 'broken', ?2, iif(?8 IS "
         "NULL, 'open', 'closed'), ?3, ?4, ?4, r.id, ?10, f.text, iif(?8 IS NULL, ?9, 0), ?6, ?7, ?8, "
         "iif(?8 IS NULL, NULL, ?4) FROM rule r JOIN figures f ON f.id = r.figures_id WHERE r.id = ?5",
         true},
    [SQL_STOPPED_ALERT] = {"SELECT id FROM alert WHERE subject = ?1 AND state IN ('open', 'acked')", true},
    [SQL_STOPPED_RULES] =
        {"SELECT m.rule_id, a.subject FROM alert a JOIN alert_member m ON m.alert_id = a.id "
         "WHERE a.id = ?1 ORDER BY m.rule_id <> ifnull(a.rule_id, 0), m.rule_id",
         true},
    [SQL_STOPPED_CHANGED] =
        {"SELECT a.id FROM alert a WHERE a.location = ?1 AND a.id > ?2 AND a.kind = 'broken' AND a.state IN "
         "('open', 'acked') AND (a.rules <> (SELECT count(*) FROM alert_member m WHERE m.alert_id = a.id) OR "
         "NOT EXISTS (SELECT 1 FROM alert_member m WHERE m.alert_id = a.id AND m.rule_id = a.rule_id)) ORDER "
         "BY a.id LIMIT 1",
         true},
    [SQL_PUT_BROKEN] =
        {"UPDATE alert SET severity = ?7, rule_id = ?2, rule = (SELECT f.text FROM rule r JOIN figures f ON "
         "f.id = r.figures_id WHERE r.id = ?2), text = ?3, why = ?4, changed_ms = ?6, state = iif(?5 > "
         "rules, "
         "'open', state), acked_ms = iif(?5 > rules, NULL, acked_ms), note = iif(?5 > rules, NULL, note), "
         "author = iif(?5 > rules, NULL, author), rules = ?5 WHERE id = ?1",
         true},
    [SQL_COUNT_BROKEN] =
        {"UPDATE alert SET rules = (SELECT count(*) FROM alert_member m WHERE m.alert_id = ?1), changed_ms = "
         "?2 WHERE id = ?1 AND rules <> (SELECT count(*) FROM alert_member m WHERE m.alert_id = ?1)",
         true},
    [SQL_OTHER_MEMBERS] = {"SELECT count(*) FROM alert_member WHERE alert_id = ?1 AND rule_id <> ?2", true},
    [SQL_LEAVE_BROKEN] = {"DELETE FROM alert_member WHERE alert_id = ?1 AND rule_id = ?2", true},
    [SQL_SET_APART] =
        {"INSERT INTO alert (location, kind, severity, state, opened_ms, made_ms, changed_ms, closed_ms, "
         "rule_id, subject, rule, rules, text, why, note, author) SELECT a.location, 'broken', a.severity, "
         "'closed', a.opened_ms, a.made_ms, ?5, ?5, r.id, a.subject, f.text, 0, 'Broken at ' || a.location "
         "|| "
         "', as alert ' || a.id || ' told: ' || f.text || '.', a.why, ?3, ?4 FROM alert a, rule r JOIN "
         "figures "
         "f ON f.id = r.figures_id WHERE a.id = ?1 AND r.id = ?2",
         true},
    [SQL_ALERT_IS_LIVE] = {"SELECT 1 FROM alert WHERE id = ?1 AND state IN ('open', 'acked')", true},
    [SQL_SUCCESSOR] = {"SELECT n.id FROM rule b JOIN rule n ON n.shape = b.shape AND n.location_id = "
                       "b.location_id AND n.id <> b.id "
                       "AND " TOOK_ITS_PLACE " JOIN "
                       "alert_member m ON m.rule_id = n.id "
                       "JOIN alert a ON a.id = m.alert_id WHERE b.id = ?1 AND a.kind = 'novel' AND a.state "
                       "= 'open' AND a.rule_id = n.id AND "
                       "(substr(n.identity, 1, length(?2) + 3) = ?2 || ' ~ ' OR substr(n.identity, -3 - "
                       "length(?2)) = ' ~ ' || ?2) "
                       "ORDER BY n.id DESC LIMIT 1",
                       true},
    [SQL_PREDECESSOR] = {"SELECT f.text, b.id, (a.severity = 'medium') + 2 * (a.severity = 'high') FROM rule "
                         "n JOIN rule b ON b.shape = n.shape AND b.location_id "
                         "= n.location_id AND b.id <> "
                         "n.id AND " TOOK_ITS_PLACE " JOIN "
                         "alert_member o ON o.rule_id = b.id JOIN alert a ON a.id = o.alert_id "
                         "JOIN figures f ON f.id = b.figures_id WHERE n.id = ?1 AND a.kind = 'broken' AND "
                         "a.subject IS NOT NULL AND (a.state = 'closed' OR NOT EXISTS (SELECT 1 FROM "
                         "alert_member m JOIN alert t ON t.id = m.alert_id WHERE m.rule_id = n.id AND t.kind "
                         "= 'novel' AND t.state = 'acked')) ORDER BY "
                         "a.id DESC",
                         true},
    [SQL_SAY_MOVED] =
        {"INSERT INTO event (uid, alert_id, kind, made_ms) SELECT lower(hex(randomblob(16))), a.id, 'grown', "
         "?2 "
         "FROM rule n JOIN alert a ON a.rule_id = n.id WHERE n.id = ?1 AND n.runs_seen > 1 AND a.kind = "
         "'novel' AND a.state = 'open'",
         true},
    [SQL_MEND_BROKEN] = {END_BROKEN("'it holds again'") "id = ?1", true},
    [SQL_CLOSE_GONE] =
        {END_BROKEN("ifnull('its rule has been gone for a week: ' || (SELECT v.gone_why FROM rules v WHERE "
                    "v.id = alert.rule_id), 'its rule is there no longer')") "location = ?1 AND NOT EXISTS "
                                                                             "(SELECT 1 FROM alert_member m "
                                                                             "WHERE m.alert_id = alert.id "
                                                                             "AND NOT " LONG_GONE ")",
         false},
    [SQL_LEAVE_GONE] =
        {"DELETE FROM alert_member AS m WHERE EXISTS (SELECT 1 FROM alert a WHERE a.id = m.alert_id AND "
         "a.location = ?1 AND a.kind = 'broken' AND a.subject IS NOT NULL) AND " LONG_GONE,
         false},
    [SQL_CLOSE_BROKEN] = {"UPDATE alert SET state = 'closed', closed_ms = ?2, changed_ms = ?2, note = ?3, "
                          "author = ?4, rules = 0 WHERE "
                          "kind = 'broken' AND state IN ('open', 'acked') AND id = ?1",
                          false},
    [SQL_CLOSE_DECIDED] =
        {"UPDATE alert SET state = 'closed', closed_ms = ?2, changed_ms = ?2, note = ?3, author = ?4, rules "
         "= 0 "
         "WHERE kind = 'broken' AND state IN ('open', 'acked') AND id IN (SELECT m.alert_id FROM "
         "json_each(?1) j "
         "JOIN alert_member m ON m.rule_id = j.value) AND NOT EXISTS (SELECT 1 FROM alert_member m WHERE "
         "m.alert_id = alert.id AND m.rule_id NOT IN (SELECT value FROM json_each(?1)))",
         false},
    [SQL_PUT_QUALITY] =
        {"INSERT INTO quality (location, hour_ms, flows, lost, unread, shed, sampling_changes, clock_jumps) "
         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET flows = flows + excluded.flows, "
         "lost "
         "= lost + excluded.lost, unread = unread + excluded.unread, shed = shed + excluded.shed, "
         "sampling_changes = sampling_changes + excluded.sampling_changes, clock_jumps = clock_jumps + "
         "excluded.clock_jumps",
         false},
    [SQL_QUALITY] =
        {"SELECT ifnull(sum(flows), 0), ifnull(sum(lost), 0), ifnull(sum(unread), 0), ifnull(sum(shed), 0), "
         "ifnull(sum(sampling_changes), 0), ifnull(sum(clock_jumps), 0) FROM quality WHERE location = ?1 AND "
         "hour_ms > ?2 - 3600000 AND hour_ms < ?3",
         true},
    [SQL_FORGET_QUALITY] =
        {"DELETE FROM quality AS q WHERE hour_ms < (SELECT max(hour_ms) FROM quality m WHERE "
         "m.location = q.location) - ?1",
         false},
    [SQL_OPEN_DATA] =
        {"INSERT INTO alert (location, kind, severity, state, opened_ms, made_ms, changed_ms, subject, "
         "rules, "
         "text, why) VALUES (?1, 'data', ?2, 'open', ?6, ?6, ?6, ?3, 0, ?4, ?5) ON CONFLICT DO NOTHING",
         false},
    [SQL_CLOSE_DATA] = {"UPDATE alert SET state = 'closed', closed_ms = ?2, changed_ms = ?2, note = ?3 WHERE "
                        "subject = ?1 AND state IN ('open', 'acked')",
                        true},
    [SQL_COUNT_SINKS] = {"SELECT count(*) FROM sink", false},
    [SQL_OLDEST_EVENT] = {"SELECT ifnull(min(id), 9223372036854775807) FROM event", true},
    [SQL_NEWEST_EVENT] = {"SELECT ifnull(max(id), 0) FROM event", true},
    [SQL_OLDEST_SEEN] = {"SELECT ifnull(min(seen_id), 9223372036854775807) FROM sink WHERE NOT off", false},
    [SQL_SINKS_OFF] = {"UPDATE sink SET off = 2 WHERE NOT off", false},
    [SQL_BEGIN_SINK] =
        {"INSERT INTO sink (name, kind, seen_id) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET kind = "
         "excluded.kind, seen_id = iif(off = 1, ?4, seen_id), off = 0",
         false},
    [SQL_KEEP_FILE_SINK] =
        {"INSERT OR IGNORE INTO sink (name, kind, off, seen_id) VALUES ('file', 'file', 1, ?1)", false},
    [SQL_COUNT_GIVEN_UP] = {"UPDATE sink SET off = 1, error = NULL, next_ms = NULL, dropped = dropped + "
                            "(SELECT count(*) FROM delivery d "
                            "WHERE d.sink = sink.name AND d.state = 'waiting') WHERE off",
                            false},
    [SQL_COUNT_TOO_OLD] =
        {"UPDATE sink SET dropped = dropped + (SELECT count(*) FROM delivery d WHERE d.sink = sink.name AND "
         "d.state = 'waiting' AND d.event_id <= ?1)",
         false},
    [SQL_GIVE_UP] = {"UPDATE delivery SET state = 'dropped' WHERE state = 'waiting' AND (event_id <= ?1 OR "
                     "sink IN (SELECT "
                     "name FROM sink WHERE off))",
                     false},
    [SQL_LAY_OUT] =
        {"INSERT OR IGNORE INTO delivery (sink, event_id) SELECT ?1, e.id FROM event e JOIN alert a ON a.id "
         "= e.alert_id WHERE e.id > (SELECT seen_id FROM sink WHERE name = ?1) AND e.id <= ?2 AND CASE "
         "a.severity WHEN 'low' THEN 0 WHEN 'medium' THEN 1 ELSE 2 END >= ?3 AND (?4 IS NULL OR a.location "
         "IS "
         "NULL OR a.location IN (SELECT value FROM json_each(?4))) AND (?5 IS NULL OR e.kind IN (SELECT "
         "value "
         "FROM json_each(?5)))",
         false},
    [SQL_SEEN] = {"UPDATE sink SET seen_id = ?2 WHERE name = ?1", true},
    [SQL_FORGET_EVENTS] = {"DELETE FROM event WHERE id <= ?1", true},
    [SQL_OUTBOX_NEXT] =
        {"SELECT e.id, e.alert_id, e.made_ms, d.attempts, e.uid, e.kind FROM delivery d JOIN event e ON e.id "
         "= "
         "d.event_id WHERE d.sink = ?1 AND d.state = 'waiting' ORDER BY d.attempts / 8, d.event_id LIMIT 1",
         true},
    [SQL_OUTBOX_ALERT] = {"SELECT * FROM alerts WHERE id = ?1", true},
    [SQL_NOTE_DELIVERY] =
        {"UPDATE delivery SET state = ?3, attempts = attempts + 1, error = ?4, done_ms = nullif(?5, 0) WHERE "
         "sink = ?1 AND event_id = ?2 AND state = 'waiting'",
         true},
    [SQL_NOTE_SINK] =
        {"UPDATE sink SET delivered = delivered + ?2, refused = refused + ?3, error = ?4, error_ms = iif(?4 "
         "IS "
         "NULL, error_ms, ?5), last_ms = iif(?2, ?5, last_ms), next_ms = nullif(?6, 0) WHERE name = ?1",
         true},
    [SQL_SINKS] = {"SELECT name, kind, delivered, waiting, refused, dropped, error, failed, next, last FROM "
                   "sinks ORDER BY name",
                   false},
};
