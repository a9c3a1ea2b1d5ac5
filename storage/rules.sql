-- rules.db: what mining found at each location, what people decided about it, and what to tell them.
--
-- Version 4 (PRAGMA user_version); rules_1_to_2.sql and those after it bring older files here. Times are Unix milliseconds, UTC, in tables and RFC 3339 text in views.
-- "Data time" is the exporters' clock, "wall clock" is ours. The views are the public contract: they use
-- no function that the plain sqlite3 shell lacks, and may be read while the service writes.

PRAGMA application_id = 1718383221; -- "flru"

-- ---- what people decided: cannot be mined again ----

CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- the greatest one that covers a rule is the one that holds
    location TEXT,                        -- name of the location; NULL: every location
    identity TEXT,                        -- the rule, as in rule.identity; or
    pattern TEXT,                         -- rules that match, now and to come
    verdict TEXT NOT NULL CHECK (verdict IN ('accept', 'ignore', 'reopen')),
    author TEXT,                          -- who decided
    note TEXT,                            -- why, in the operator's words
    made_ms INTEGER NOT NULL,             -- wall clock
    until_ms INTEGER,                     -- wall clock at which it lapses; NULL: never
    CHECK ((identity IS NULL) <> (pattern IS NULL))
);
CREATE INDEX decision_identity ON decision (identity) WHERE identity IS NOT NULL;
CREATE INDEX decision_pattern ON decision (pattern, location) WHERE pattern IS NOT NULL;

-- ---- what mining found: can be mined again ----

CREATE TABLE location (
    id INTEGER PRIMARY KEY,     -- ours
    name TEXT NOT NULL UNIQUE,  -- as configured
    newest_ms INTEGER NOT NULL, -- greatest run.to_ms, data time
    gone_after_ms INTEGER NOT NULL DEFAULT 604800000, -- a known rule that so much data did not show is gone
    learning_until_ms INTEGER,  -- data time, as the newest run had it configured; NULL: it did not learn
    relearn_until_ms INTEGER    -- data time, as people had it learn anew; NULL: they did not
);

CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                 -- in the order of storing
    location_id INTEGER NOT NULL REFERENCES location (id), -- where
    from_ms INTEGER NOT NULL,                             -- data time; record starts in [from, to)
    to_ms INTEGER NOT NULL,                               -- data time
    started_ms INTEGER NOT NULL,                          -- wall clock
    took_ms INTEGER NOT NULL,                             -- wall clock spent
    flows INTEGER NOT NULL,                               -- records read
    conversations INTEGER NOT NULL,                       -- after stitching and joining
    nodes INTEGER NOT NULL,                               -- with support
    pairs_tested INTEGER NOT NULL,                        -- the m of Benjamini-Hochberg
    rules INTEGER NOT NULL,                               -- found, instances left out
    instances INTEGER NOT NULL,                           -- folded under rules
    novel INTEGER NOT NULL DEFAULT 0,                     -- rules of this run whose status was novel
    first_time INTEGER NOT NULL DEFAULT 0,                -- rules of this run never seen here before
    damaged INTEGER NOT NULL,                             -- buckets or chunks skipped
    scheduled BOOLEAN NOT NULL,                           -- 1: by the service's schedule
    unclean TEXT                                          -- why what it found is held; NULL: its data are whole
);
CREATE INDEX run_location ON run (location_id, scheduled, to_ms);

-- Rules that hang together. One keeps its id from run to run while it keeps most of its rules.
CREATE TABLE cluster (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                  -- what rules refer to
    location_id INTEGER NOT NULL REFERENCES location (id), -- where
    name TEXT NOT NULL,     -- what its rules share, in plain words
    form TEXT NOT NULL,     -- "pair", "star", "chain", "clique", "mesh"
    rules INTEGER NOT NULL, -- in the newest run that had it
    nodes INTEGER NOT NULL, -- that those rules name
    score REAL NOT NULL     -- sum of theirs, bits a window
);
CREATE INDEX cluster_location ON cluster (location_id);

-- Text, nodes and figures of one statement, as the newest run that found it gave them.
CREATE TABLE figures (
    id INTEGER PRIMARY KEY,              -- ours
    text TEXT NOT NULL,                  -- the rule with its arrow
    both BOOLEAN NOT NULL,               -- 1: "<=>", 0: "=>"
    antecedent_client TEXT NOT NULL,     -- address or "*"
    antecedent_client_port TEXT NOT NULL, -- "53", "6881-6889", "*", ICMP "8.0"
    antecedent_server TEXT NOT NULL,     -- address or "*"
    antecedent_server_port TEXT NOT NULL, -- "53", "6881-6889", "*", ICMP "8.0"
    antecedent_protocol INTEGER NOT NULL, -- IANA number
    consequent_client TEXT,              -- as above; NULL, like the four below: a periodic rule has none
    consequent_client_port TEXT,         -- as above
    consequent_server TEXT,              -- as above
    consequent_server_port TEXT,         -- as above
    consequent_protocol INTEGER,         -- as above
    evidence TEXT NOT NULL CHECK (evidence IN ('start', 'during', 'periodic')), -- how they coincide
    present TEXT CHECK (present IN ('antecedent', 'consequent')),   -- during: which one is under way
    confidence REAL NOT NULL,            -- n_both / n_antecedent
    reverse_confidence REAL NOT NULL,    -- n_both / n_consequent
    lift REAL NOT NULL,                  -- n_both / expected
    score REAL NOT NULL,                 -- J-measure, bits per window
    n_antecedent INTEGER NOT NULL,       -- windows, or (window, host) incidents
    n_consequent INTEGER NOT NULL,       -- likewise
    n_both INTEGER NOT NULL,             -- likewise: the support
    n_windows INTEGER NOT NULL,          -- windows of the span, or windows x hosts
    expected REAL NOT NULL,              -- coincidences that chance would give
    q_value REAL NOT NULL,               -- 10^log10_q, but never below 1e-300
    log10_p REAL NOT NULL,               -- exact where q_value is at its end
    lag_ms INTEGER NOT NULL,             -- median start(consequent) - start(antecedent)
    lag_spread_ms INTEGER NOT NULL,      -- interquartile range of the same
    clock TEXT,                          -- phase both keep, ":00" or "MM:SS"; NULL: none
    hosts INTEGER NOT NULL,              -- distinct hosts behind the wildcards
    instances INTEGER NOT NULL,          -- how many statements are folded under this one
    lag_histogram TEXT,                  -- {"from_ms", "step_ms", "counts": [...]}; NULL: none
    period_ms INTEGER,                   -- of a periodic rule, else NULL, like the two below
    period_spread_ms INTEGER,            -- interquartile range of a beat's distance from its place
    missed INTEGER,                      -- beats that did not come
    CHECK ((evidence = 'periodic') = (consequent_client IS NULL))
);

CREATE TABLE example (
    figures_id INTEGER NOT NULL REFERENCES figures (id) ON DELETE CASCADE, -- of what
    position INTEGER NOT NULL,            -- from 0
    time_ms INTEGER NOT NULL,             -- data time, start of the window
    antecedent_client TEXT NOT NULL,      -- the conversation behind the antecedent
    antecedent_client_port TEXT NOT NULL, -- as in figures
    antecedent_server TEXT NOT NULL,      -- as in figures
    antecedent_server_port TEXT NOT NULL, -- as in figures
    consequent_client TEXT,               -- the conversation behind the consequent; NULL: there is none
    consequent_client_port TEXT,          -- as in figures
    consequent_server TEXT,               -- as in figures
    consequent_server_port TEXT,          -- as in figures
    PRIMARY KEY (figures_id, position)
) WITHOUT ROWID;

CREATE TABLE rule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                  -- what operators type
    location_id INTEGER NOT NULL REFERENCES location (id), -- where
    identity TEXT NOT NULL,       -- both nodes, ordered, without arrow and figures
    shape TEXT NOT NULL,          -- the identity with hosts as letters: ports and how hosts are shared
    novelty TEXT NOT NULL CHECK (novelty IN ('new', 'new-here', 'new-hosts')), -- grade at first sight: its shape
                                  -- was known nowhere; elsewhere; here
    learned BOOLEAN NOT NULL,     -- 1: first seen while the location learned, or known_why as what was
    figures_id INTEGER NOT NULL UNIQUE REFERENCES figures (id), -- newest figures
    first_seen_ms INTEGER NOT NULL, -- data time: earliest example of the first run, else its from_ms
    last_seen_ms INTEGER NOT NULL,  -- data time: latest example of any run, else its to_ms
    newest_ms INTEGER NOT NULL,     -- data time: greatest to_ms of the runs that found it
    runs_seen INTEGER NOT NULL,     -- distinct spans in which it was found
    cluster_id INTEGER REFERENCES cluster (id), -- of the newest run that found it; NULL: none
    found_ms INTEGER NOT NULL DEFAULT 0, -- data time: to_ms of the run that found it first
    held BOOLEAN NOT NULL DEFAULT 0, -- 1: nobody is told of it until a run over whole data has found it
    held_why TEXT,                  -- what was wrong with the data of the run that found it first; NULL: nothing
    recheck_ms INTEGER,             -- data time: to_ms of the newest run that counted it as a known rule; NULL: none
    recheck_antecedent INTEGER,     -- n_antecedent in that run, found or not; NULL as recheck_ms, like those below
    recheck_consequent INTEGER,     -- n_consequent
    recheck_both INTEGER,           -- n_both
    hit_ms INTEGER,                 -- data time: the last window in which both sides were there; NULL: not looked at
    rest_ms INTEGER NOT NULL DEFAULT 0, -- data time: the longest that one side went on without the other by more than
                                    -- chance and it held again, as over night, and nobody was told; of the fortnight
    rest_before_ms INTEGER NOT NULL DEFAULT 0, -- the same of the fortnight before: what is older is forgotten
    rest_fortnight INTEGER NOT NULL DEFAULT 0, -- the fortnight of the newest run that looked, counted from 1970
    missed_first INTEGER NOT NULL DEFAULT 0, -- cases of the identity's first node since both sides were there, as runs
                                    -- whose spans do not overlap counted them
    missed_second INTEGER NOT NULL DEFAULT 0, -- of its second node
    missed_ms INTEGER NOT NULL DEFAULT 0, -- data time: where the newest such span ends; 0: there is none
    told_ms INTEGER NOT NULL DEFAULT 0, -- how long the newest one was after which it held again, told as broken; 0: none
    told_from_ms INTEGER NOT NULL DEFAULT 0, -- data time: when it began
    awake_both INTEGER,             -- windows with both sides in the newest run that saw ten; NULL: none did
    awake_first INTEGER,            -- cases of the identity's first node in it but for rests: what it is judged by;
    awake_second INTEGER,           -- of its second node; 0: nothing is known of that side
    mended_ms INTEGER NOT NULL DEFAULT 0, -- data time: when it held again after the newest such; what was before is no
                                    -- rest
    known_why TEXT,                 -- in which other words it says what known rules do; NULL: it does not, or people
                                    -- decided upon it
    UNIQUE (location_id, identity)
);
CREATE INDEX rule_identity ON rule (identity);
CREATE INDEX rule_shape ON rule (shape, location_id);
CREATE INDEX rule_cluster ON rule (cluster_id);

-- Spans in which a rule was found, of the last 40 days: mining one twice does not count twice.
CREATE TABLE sighting (
    rule_id INTEGER NOT NULL REFERENCES rule (id) ON DELETE CASCADE, -- of what
    from_ms INTEGER NOT NULL,                                        -- the span, data time
    to_ms INTEGER NOT NULL,                                          -- the span, data time
    PRIMARY KEY (rule_id, from_ms, to_ms)
) WITHOUT ROWID;

-- Statements folded under a rule by its newest run.
CREATE TABLE instance (
    rule_id INTEGER NOT NULL REFERENCES rule (id) ON DELETE CASCADE,              -- under which
    position INTEGER NOT NULL,                                                    -- from 0
    figures_id INTEGER NOT NULL UNIQUE REFERENCES figures (id) ON DELETE CASCADE, -- what
    PRIMARY KEY (rule_id, position)
) WITHOUT ROWID;

-- Which decisions cover which rules: patterns are matched when either side is new.
CREATE TABLE coverage (
    rule_id INTEGER NOT NULL REFERENCES rule (id) ON DELETE CASCADE,         -- which rule
    decision_id INTEGER NOT NULL REFERENCES decision (id) ON DELETE CASCADE, -- by which decision
    PRIMARY KEY (rule_id, decision_id)
) WITHOUT ROWID;
CREATE INDEX coverage_decision ON coverage (decision_id);

-- ---- what to tell people ----

-- Novel rules of one cluster are one alert, and so are those of one run that differ only in their hosts: while
-- it is open, what else of the cluster is novel joins it. Once it is acked or closed, what comes later is an alert
-- of its own, unless it says the same of one more client or more widely, or is the pace of what it tells: an acked
-- alert that such a rule joins is open again.
CREATE TABLE alert (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- sinks remember the last one they delivered
    location TEXT,                        -- name of the location; NULL: the service as a whole
    kind TEXT NOT NULL CHECK (kind IN ('novel', 'broken', 'data')), -- rules not known here; known rules
                                          -- whose one side goes on without the other; what is wrong with the data
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high')), -- `why` says what made it so
    state TEXT NOT NULL CHECK (state IN ('open', 'acked', 'closed')),     -- closed by decisions, or by itself
    opened_ms INTEGER NOT NULL,           -- data time at which it began
    made_ms INTEGER NOT NULL,             -- wall clock
    changed_ms INTEGER NOT NULL,          -- wall clock: opened, grown, shrunk, acked, closed or reopened
    acked_ms INTEGER,                     -- wall clock
    closed_ms INTEGER,                    -- wall clock
    rule_id INTEGER REFERENCES rule (id) ON DELETE SET NULL,       -- its strongest rule; NULL: kind data
    cluster_id INTEGER REFERENCES cluster (id) ON DELETE SET NULL, -- whose rules join it; NULL: nothing does
    subject TEXT,                         -- data: what is wrong with whom; broken: what stopped, until all its rules
                                          -- hold again; one such is live at a time
    rule TEXT,                            -- text of the strongest rule; NULL: kind data
    novelty TEXT,                         -- the loudest grade among its rules; NULL: of other kinds
    rules INTEGER NOT NULL,               -- how many it still tells of
    text TEXT NOT NULL,                   -- a plain sentence
    why TEXT NOT NULL,                    -- a plain sentence: why it is as severe
    note TEXT,                            -- of who acked or closed it
    author TEXT                           -- who that was; NULL: nobody
);
CREATE INDEX alert_state ON alert (state, id);
CREATE INDEX alert_cluster ON alert (cluster_id, state);
CREATE INDEX alert_of_rule ON alert (rule_id);
CREATE UNIQUE INDEX alert_subject ON alert (subject) WHERE state IN ('open', 'acked');

-- The rules that an alert tells of, or told of before they were decided upon. Of a broken alert those that were not
-- both there again since.
CREATE TABLE alert_member (
    alert_id INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE, -- of what
    rule_id INTEGER NOT NULL REFERENCES rule (id) ON DELETE CASCADE,   -- which
    PRIMARY KEY (alert_id, rule_id)
) WITHOUT ROWID;
CREATE INDEX alert_member_rule ON alert_member (rule_id, alert_id);

-- ---- what the service counts ----

-- One row a session. What version 2 added stands behind its first 17 columns.
CREATE TABLE exporter (
    address TEXT NOT NULL,             -- where the datagrams come from
    source_port INTEGER NOT NULL,      -- UDP
    domain INTEGER NOT NULL,           -- observation domain; v9 source id; v5 engine
    version INTEGER NOT NULL,          -- 5, 9, 10
    location TEXT NOT NULL,            -- name of the location
    packets INTEGER NOT NULL,          -- datagrams
    flows INTEGER NOT NULL,            -- records made of them
    lost INTEGER NOT NULL,             -- by sequence numbers; v5: flows, v9: datagrams, IPFIX: records
    malformed INTEGER NOT NULL,        -- datagrams refused, whole or in part
    unknown_template INTEGER NOT NULL, -- sets whose template never came
    time_fallbacks INTEGER NOT NULL,   -- records stamped with receive time
    templates INTEGER NOT NULL,        -- held now, options templates too
    sampling INTEGER NOT NULL,         -- one packet in so many, as stored
    sampling_source INTEGER NOT NULL,  -- enum fl_sampling_source
    clock_skew_ms INTEGER NOT NULL,    -- exporter's clock minus ours
    first_seen_ms INTEGER NOT NULL,    -- wall clock
    last_seen_ms INTEGER NOT NULL,     -- wall clock
    reordered INTEGER NOT NULL DEFAULT 0,           -- datagrams that came late
    duplicates INTEGER NOT NULL DEFAULT 0,          -- datagrams that came twice
    restarts INTEGER NOT NULL DEFAULT 0,            -- how often its numbers or its boot time began anew
    waiting INTEGER NOT NULL DEFAULT 0,             -- sets that wait for their template now
    not_flows INTEGER NOT NULL DEFAULT 0,           -- records without addresses
    options INTEGER NOT NULL DEFAULT 0,             -- records of options data
    template_oldest_ms INTEGER NOT NULL DEFAULT 0,  -- wall clock of the oldest definition; 0: none
    template_newest_ms INTEGER NOT NULL DEFAULT 0,  -- wall clock of the newest definition; 0: none
    sampling_told INTEGER NOT NULL DEFAULT 0,       -- what the exporter itself says; 0: nothing
    active_timeout_ms INTEGER NOT NULL DEFAULT 0,   -- told or learned; 0: not known
    inactive_timeout_ms INTEGER NOT NULL DEFAULT 0, -- told or learned; 0: not known
    flows_per_s REAL NOT NULL DEFAULT 0,            -- over about the last minute before last_seen_ms
    PRIMARY KEY (address, source_port, domain, version)
) WITHOUT ROWID;

-- Templates of sessions, so that a restart of the service does not lose the data that comes before the
-- exporter sends them again.
CREATE TABLE template (
    address TEXT NOT NULL,        -- the session, as in exporter
    source_port INTEGER NOT NULL, -- the session
    domain INTEGER NOT NULL,      -- the session
    version INTEGER NOT NULL,     -- 9, 10
    id INTEGER NOT NULL,          -- 256..65535
    options BOOLEAN NOT NULL,     -- 1: an options template
    defined_ms INTEGER NOT NULL,  -- wall clock of its last definition
    bytes BLOB NOT NULL,          -- the template record as it came in, from its id on
    PRIMARY KEY (address, source_port, domain, version, id)
) WITHOUT ROWID;

CREATE TABLE service (
    id INTEGER PRIMARY KEY CHECK (id = 1), -- one row
    datagrams INTEGER NOT NULL,            -- received
    refused INTEGER NOT NULL,              -- from addresses of no location
    malformed INTEGER NOT NULL,            -- not NetFlow
    kernel_drops INTEGER NOT NULL,         -- as the kernel counts
    queue_shed INTEGER NOT NULL,           -- records dropped because storing lagged
    disk_shed INTEGER NOT NULL,            -- records dropped because the disk was full
    stored INTEGER NOT NULL,               -- records stored
    started_ms INTEGER NOT NULL,           -- wall clock
    updated_ms INTEGER NOT NULL,           -- wall clock
    running BOOLEAN NOT NULL,              -- 0: it stopped in order
    sessions_dropped INTEGER NOT NULL DEFAULT 0 -- sessions forgotten because a bound was reached
);

-- Senders that no location holds: those that sent most lately.
CREATE TABLE refused_sender (
    address TEXT PRIMARY KEY,       -- where the datagrams come from
    datagrams INTEGER NOT NULL,     -- since the service's start
    last_seen_ms INTEGER NOT NULL   -- wall clock
) WITHOUT ROWID;

-- How whole the data of an hour are. A run asks what happened within its span.
CREATE TABLE quality (
    location TEXT NOT NULL,            -- name of the location
    hour_ms INTEGER NOT NULL,          -- data time at which the hour begins
    flows INTEGER NOT NULL,            -- records received
    lost INTEGER NOT NULL,             -- records that never came; v9: datagrams times records a datagram
    unread INTEGER NOT NULL,           -- records whose template never came: data sets times records a datagram
    shed INTEGER NOT NULL,             -- records given up because storing lagged or the disk was full
    sampling_changes INTEGER NOT NULL, -- how often an exporter changed its sampling
    clock_jumps INTEGER NOT NULL,      -- how often an exporter's clock jumped by more than 5 min
    PRIMARY KEY (location, hour_ms)
) WITHOUT ROWID;

-- ---- the outbox: what sinks have to tell, and have told ----

-- What happened to alerts, written by the triggers below in the transaction that made it happen, whoever made
-- it. Only the newest so many are kept.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,                              -- in the order of happening
    uid TEXT NOT NULL,                                                 -- 32 random hex digits, by which a
                                                                       -- receiver knows a repetition
    alert_id INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE, -- to which alert
    kind TEXT NOT NULL CHECK (kind IN ('opened', 'grown', 'closed')),  -- also opened again
    made_ms INTEGER NOT NULL                                           -- wall clock
);
CREATE INDEX event_alert ON event (alert_id);

-- One row a sink that is, or once was, configured.
CREATE TABLE sink (
    name TEXT PRIMARY KEY,                -- as configured; "file" is the one of alerts-file
    kind TEXT NOT NULL,                   -- "file", "syslog", "webhook", "command"
    off BOOLEAN NOT NULL DEFAULT 0,       -- 1: not configured now
    seen_id INTEGER NOT NULL,             -- the last event that was looked at for it
    delivered INTEGER NOT NULL DEFAULT 0, -- events
    refused INTEGER NOT NULL DEFAULT 0,   -- events that the receiver would not have, ever
    dropped INTEGER NOT NULL DEFAULT 0,   -- events given up: too many waited, or the sink was taken away
    error TEXT,                           -- of its last attempt; NULL: that went well
    error_ms INTEGER,                     -- wall clock of the last attempt that failed
    next_ms INTEGER,                      -- wall clock of the next attempt; NULL: as soon as there is something
    last_ms INTEGER                       -- wall clock of the last delivery
) WITHOUT ROWID;

-- One row an event and sink whose filter let it pass.
CREATE TABLE delivery (
    sink TEXT NOT NULL REFERENCES sink (name) ON DELETE CASCADE,       -- to whom
    event_id INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE, -- what
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'refused', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0,                               -- made so far
    error TEXT,                                                        -- of the last one; NULL: none, or it went well
    done_ms INTEGER,                                                   -- wall clock; NULL while it waits
    PRIMARY KEY (sink, event_id)
) WITHOUT ROWID;
CREATE INDEX delivery_event ON delivery (event_id);
CREATE INDEX delivery_waiting ON delivery (sink, attempts / 8, event_id) WHERE state = 'waiting';

CREATE TRIGGER alert_opened AFTER INSERT ON alert WHEN NEW.state = 'open' BEGIN
    INSERT INTO event (uid, alert_id, kind, made_ms)
    VALUES (lower(hex(randomblob(16))), NEW.id, 'opened', CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER));
END;
CREATE TRIGGER alert_grown AFTER UPDATE OF rules ON alert WHEN NEW.state <> 'closed' AND NEW.rules > OLD.rules BEGIN
    INSERT INTO event (uid, alert_id, kind, made_ms)
    VALUES (lower(hex(randomblob(16))), NEW.id, 'grown', CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER));
END;
CREATE TRIGGER alert_closed AFTER UPDATE OF state ON alert WHEN (NEW.state = 'closed') <> (OLD.state = 'closed') BEGIN
    INSERT INTO event (uid, alert_id, kind, made_ms)
    VALUES (lower(hex(randomblob(16))), NEW.id, iif(NEW.state = 'closed', 'closed', 'opened'),
            CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER));
END;

-- ---- views ----

-- Each may be asked on its own with the plain sqlite3 shell; what stands before one says what it is for,
-- what its columns mean beyond their names, and a question that it answers. Times are RFC 3339 text in UTC,
-- so they compare as text; a day ago is strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day').

-- The one place where a rule's status is worked out. Its newest decision holds; when that has lapsed the
-- rule is novel again. A known rule that location.gone_after_ms of data did not show is gone.
CREATE VIEW rule_status AS
SELECT v.rule_id,
       v.decision_id,
       CASE v.verdict
           WHEN 'ignore' THEN 'ignored'
           WHEN 'accept' THEN iif(v.unseen_ms > v.gone_after_ms, 'gone', 'known')
           ELSE 'novel'
       END AS status
FROM (SELECT r.id AS rule_id,
             d.id AS decision_id,
             l.newest_ms - r.newest_ms AS unseen_ms,
             l.gone_after_ms,
             CASE
                 WHEN d.id IS NULL THEN iif(r.learned, 'accept', 'reopen')
                 WHEN d.until_ms <= (julianday('now') - 2440587.5) * 86400000.0 THEN 'reopen'
                 ELSE d.verdict
             END AS verdict
      FROM rule r
      JOIN location l ON l.id = r.location_id
      LEFT JOIN decision d ON d.id = (SELECT max(decision_id) FROM coverage WHERE rule_id = r.id)) v;

-- Every rule of every location: what it says (rule, arrow, antecedent and consequent as JSON and in parts),
-- how it stands (status, novelty, note of the decision), how strong it is (confidence, lift, score, support
-- against expected, q_value), how it lies in time (lag_ms, clock, period_ms), and when it was seen. Times
-- are data time; n_* count windows, or (window, host) incidents. `held`: why nobody is told of it yet;
-- NULL: it is not held. `gone_why`: what a gone rule was missing when it was last counted: a side that
-- stopped has less than a quarter of what it used to have. `known_why`: how a rule that nobody decided upon
-- says what the location is used to; NULL: it was found while the location learned, or is novel, or people
-- decided. `identity` is the rule without arrow and
-- figures, `shape` the same with hosts as letters. Which rules of paris have not been seen for a day of
-- data?
--   SELECT r.id, r.rule FROM rules r JOIN locations l USING (location) WHERE location = 'paris'
--   AND last_seen < strftime('%Y-%m-%dT%H:%M:%fZ', newest, '-1 day');
CREATE VIEW rules AS
SELECT r.id,
       l.name AS location,
       f.text AS rule,
       CASE WHEN f.evidence = 'periodic' THEN 'every' WHEN f.both THEN '<=>' ELSE '=>' END AS arrow,
       s.status,
       r.novelty,
       json_object('client', f.antecedent_client, 'client_port', f.antecedent_client_port,
                   'server', f.antecedent_server, 'server_port', f.antecedent_server_port,
                   'protocol', f.antecedent_protocol) AS antecedent,
       iif(f.consequent_client IS NULL, NULL,
           json_object('client', f.consequent_client, 'client_port', f.consequent_client_port,
                       'server', f.consequent_server, 'server_port', f.consequent_server_port,
                       'protocol', f.consequent_protocol)) AS consequent,
       f.confidence,
       f.reverse_confidence,
       f.lift,
       f.score,
       f.n_both AS support,
       f.expected,
       f.q_value,
       f.log10_p,
       f.lag_ms,
       f.evidence,
       f.clock,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.first_seen_ms / 1000.0, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.last_seen_ms / 1000.0, 'unixepoch') AS last_seen,
       r.runs_seen,
       c.name AS cluster,
       f.instances,
       d.note,
       f.antecedent_client,
       f.antecedent_client_port,
       f.antecedent_server,
       f.antecedent_server_port,
       f.antecedent_protocol,
       f.consequent_client,
       f.consequent_client_port,
       f.consequent_server,
       f.consequent_server_port,
       f.consequent_protocol,
       f.n_antecedent,
       f.n_consequent,
       f.n_both,
       f.n_windows,
       f.hosts,
       f.lag_spread_ms,
       f.present,
       r.cluster_id,
       iif(r.held, r.held_why, NULL) AS held,
       CASE
           WHEN s.status <> 'gone' OR r.recheck_ms IS NULL THEN NULL
           WHEN 4 * r.recheck_antecedent < f.n_antecedent AND f.consequent_client IS NULL THEN 'it stopped'
          WHEN f.consequent_client IS NULL THEN 'it went on, but keeps no period any more'
           WHEN 4 * r.recheck_antecedent < f.n_antecedent AND 4 * r.recheck_consequent < f.n_consequent THEN
               'both sides stopped'
           WHEN 4 * r.recheck_antecedent < f.n_antecedent THEN 'its left side stopped'
           WHEN 4 * r.recheck_both < f.n_both THEN 'its right side stopped following'
           ELSE 'it went on, but no more than chance, or under another rule'
       END AS gone_why,
       iif(s.status = 'novel', NULL, r.known_why) AS known_why,
       f.period_ms,
       f.period_spread_ms,
       f.missed,
       f.lag_histogram,
       r.identity,
       r.shape
FROM rule r
JOIN location l ON l.id = r.location_id
JOIN figures f ON f.id = r.figures_id
JOIN rule_status s ON s.rule_id = r.id
LEFT JOIN cluster c ON c.id = r.cluster_id
LEFT JOIN decision d ON d.id = s.decision_id;

-- What nobody has decided upon and no location has learned. What is new since yesterday at paris?
--   SELECT id, rule, novelty FROM novel_rules WHERE location = 'paris'
--   AND first_seen >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day');
CREATE VIEW novel_rules AS SELECT * FROM rules WHERE status = 'novel';
-- What is normal, and still seen. How much of it did people decide, how much was learned?
--   SELECT location, count(note), count(*) FROM known_rules GROUP BY location;
CREATE VIEW known_rules AS SELECT * FROM rules WHERE status = 'known';

-- What depends on which server: a rule X => Y depends on the server of Y, `<=>` on the servers of both
-- sides; of novel and known rules whose server is named. Which server do most rules depend on?
--   SELECT server, count(DISTINCT rule_id) FROM dependencies GROUP BY server ORDER BY 2 DESC LIMIT 5;
CREATE VIEW dependencies AS
SELECT location, id AS rule_id, status, rule, consequent_server AS server, consequent_server_port AS port,
       consequent_protocol AS protocol
FROM rules
WHERE status IN ('novel', 'known') AND consequent_server <> '*'
UNION
SELECT location, id, status, rule, antecedent_server, antecedent_server_port, antecedent_protocol
FROM rules
WHERE status IN ('novel', 'known') AND arrow = '<=>' AND antecedent_server <> '*';

-- What people decided and has not been decided anew about the same rule or pattern. `holds`: it has not
-- lapsed either. Of several that cover a rule the one with the greatest id counts; `rules` is how many
-- rules it covers. `made` and `until` are wall clock; `location` NULL: every location. Who has decided what
-- this week?
--   SELECT author, verdict, ifnull(rule, pattern), note FROM decisions
--   WHERE made >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-7 days');
CREATE VIEW decisions AS
SELECT d.id,
       d.location,
       d.verdict,
       d.identity AS rule,
       d.pattern,
       d.author,
       d.note,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.made_ms / 1000.0, 'unixepoch') AS made,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.until_ms / 1000.0, 'unixepoch') AS until,
       ifnull(d.until_ms > (julianday('now') - 2440587.5) * 86400000.0, 1) AS holds,
       (SELECT count(*) FROM coverage c WHERE c.decision_id = d.id) AS rules
FROM decision d
WHERE NOT EXISTS (SELECT 1 FROM decision n
                  WHERE n.identity IS NOT NULL AND n.identity = d.identity AND n.location IS d.location
                  AND n.id > d.id)
AND NOT EXISTS (SELECT 1 FROM decision n
                WHERE n.pattern IS NOT NULL AND n.pattern = d.pattern AND n.location IS d.location AND n.id > d.id);

-- What locations have in common: shapes of novel and known rules; `at` are the locations' names, `example`
-- is a rule of that shape. Which shapes do at least three locations have?
--   SELECT shape, at FROM shapes WHERE locations >= 3;
CREATE VIEW shapes AS
SELECT shape,
       count(DISTINCT location) AS locations,
       count(*) AS rules,
       count(*) FILTER (WHERE status = 'known') AS known,
       (SELECT group_concat(name, ', ') FROM (
           SELECT DISTINCT o.location AS name FROM rules o
           WHERE o.shape = r.shape AND o.status IN ('novel', 'known') ORDER BY 1)) AS at,
       min(id) AS example
FROM rules r
WHERE status IN ('novel', 'known')
GROUP BY shape;

-- Rules that hang together; `rules` and `nodes` are of the newest run that had the cluster. Which is the
-- largest at paris?
--   SELECT name, rules FROM clusters WHERE location = 'paris' ORDER BY rules DESC LIMIT 1;
CREATE VIEW clusters AS
SELECT c.id,
       l.name AS location,
       c.name,
       c.form,
       c.rules,
       c.nodes,
       c.score
FROM cluster c
JOIN location l ON l.id = c.location_id;

-- What people were told. `opened` is data time, `made`, `changed`, `acked` and `closed` are wall clock;
-- `rules` is how many it still tells of, `rule` the strongest of them; `why` says what made it so severe;
-- `location` NULL: the service as a whole. What broke this week?
--   SELECT location, text FROM alerts WHERE kind = 'broken'
--   AND made >= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-7 days');
CREATE VIEW alerts AS
SELECT a.id,
       a.location,
       a.kind,
       a.severity,
       a.state,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.opened_ms / 1000.0, 'unixepoch') AS opened,
       a.rule_id,
       a.rule,
       a.novelty,
       a.text,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.closed_ms / 1000.0, 'unixepoch') AS closed,
       a.note,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.made_ms / 1000.0, 'unixepoch') AS made,
       a.why,
       a.rules,
       c.name AS cluster,
       a.cluster_id,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.changed_ms / 1000.0, 'unixepoch') AS changed,
       strftime('%Y-%m-%dT%H:%M:%fZ', a.acked_ms / 1000.0, 'unixepoch') AS acked,
       a.author
FROM alert a
LEFT JOIN cluster c ON c.id = a.cluster_id;

-- Mining runs. `unclean`: what was wrong with the data of the span; NULL: they were whole. `first_time`:
-- rules never seen at the location before. How long do runs take?
--   SELECT location, avg(took_ms), max(took_ms) FROM runs WHERE scheduled GROUP BY location;
CREATE VIEW runs AS
SELECT r.id,
       l.name AS location,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.from_ms / 1000.0, 'unixepoch') AS "from",
       strftime('%Y-%m-%dT%H:%M:%fZ', r.to_ms / 1000.0, 'unixepoch') AS "to",
       strftime('%Y-%m-%dT%H:%M:%fZ', r.started_ms / 1000.0, 'unixepoch') AS started,
       r.took_ms,
       r.flows,
       r.conversations,
       r.nodes,
       r.pairs_tested,
       r.rules,
       r.instances,
       r.novel,
       r.first_time,
       r.damaged,
       r.scheduled,
       r.unclean
FROM run r
JOIN location l ON l.id = r.location_id;

-- Sessions of exporters, as the service counts them. Who loses most?
--   SELECT address, sum(lost) FROM exporters GROUP BY address ORDER BY 2 DESC LIMIT 5;
CREATE VIEW exporters AS
SELECT address,
       domain,
       version,
       location,
       packets,
       flows,
       lost,
       malformed,
       unknown_template,
       sampling,
       clock_skew_ms,
       strftime('%Y-%m-%dT%H:%M:%fZ', first_seen_ms / 1000.0, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%fZ', last_seen_ms / 1000.0, 'unixepoch') AS last_seen,
       source_port,
       time_fallbacks,
       templates,
       CASE sampling_source
           WHEN 1 THEN 'header' WHEN 2 THEN 'options' WHEN 3 THEN 'record' WHEN 4 THEN 'config' ELSE 'none'
       END AS sampling_source,
       reordered,
       duplicates,
       restarts,
       waiting,
       not_flows,
       options,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(template_oldest_ms, 0) / 1000.0, 'unixepoch') AS template_oldest,
       strftime('%Y-%m-%dT%H:%M:%fZ', nullif(template_newest_ms, 0) / 1000.0, 'unixepoch') AS template_newest,
       nullif(sampling_told, 0) AS sampling_told,
       nullif(active_timeout_ms, 0) AS active_timeout_ms,
       nullif(inactive_timeout_ms, 0) AS inactive_timeout_ms,
       flows_per_s
FROM exporter;

-- One row a location that was mined: how many rules of each status, and how settled it is. `settled` is the
-- share of the newest run's rules that had been seen before; 1 when it had no rules. `alerts_a_day` is what
-- to expect: clusters, and rules without one, found in the last week of data, but not in the first day
-- after the first run, a day; what is covered by a decision at birth does not count; NULL until there is a
-- day to tell by, which may then be the first. `learning_until` is data time; the location learns while
-- `newest` is before it. Where is most left to decide?
--   SELECT location, novel, open_alerts FROM locations ORDER BY novel DESC;
CREATE VIEW locations AS
SELECT l.name AS location,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.newest_ms / 1000.0, 'unixepoch') AS newest,
       (SELECT count(*) FROM run WHERE location_id = l.id) AS runs,
       count(r.id) AS rules,
       count(r.id) FILTER (WHERE s.status = 'novel') AS novel,
       count(r.id) FILTER (WHERE s.status = 'known') AS known,
       count(r.id) FILTER (WHERE s.status = 'ignored') AS ignored,
       count(r.id) FILTER (WHERE s.status = 'gone') AS gone,
       (SELECT count(*) FROM alert a WHERE a.location = l.name AND a.state = 'open') AS open_alerts,
       (SELECT iif(n.rules > 0, 1.0 - 1.0 * n.first_time / n.rules, 1.0)
        FROM run n WHERE n.id = (SELECT max(id) FROM run WHERE location_id = l.id)) AS settled,
       count(DISTINCT ifnull('cluster ' || r.cluster_id, r.id)) FILTER (
           WHERE r.found_ms > l.steady_ms
           AND (r.learned OR EXISTS (SELECT 1 FROM alert_member m WHERE m.rule_id = r.id))) /
           ((l.newest_ms - l.steady_ms) / 86400000.0) AS alerts_a_day,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.learns_until_ms / 1000.0, 'unixepoch') AS learning_until,
       count(r.id) FILTER (WHERE r.held AND s.status = 'novel') AS held
FROM (SELECT p.id, p.name, p.newest_ms,
             iif(p.newest_ms - f.to_ms < 86400000, NULL,
                 max(p.newest_ms - 604800000, min(f.to_ms, p.newest_ms - 172800000) + 86400000)) AS steady_ms,
             nullif(max(ifnull(p.learning_until_ms, 0), ifnull(p.relearn_until_ms, 0)), 0) AS learns_until_ms
      FROM location p
      LEFT JOIN (SELECT location_id, min(to_ms) AS to_ms FROM run GROUP BY location_id) f
      ON f.location_id = p.id) l
LEFT JOIN rule r ON r.location_id = l.id
LEFT JOIN rule_status s ON s.rule_id = r.id
GROUP BY l.id;

CREATE VIEW deliveries AS
SELECT e.id AS event_id,
       e.uid AS event,
       e.alert_id,
       e.kind,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.made_ms / 1000.0, 'unixepoch') AS made,
       d.sink,
       d.state,
       d.attempts,
       d.error,
       strftime('%Y-%m-%dT%H:%M:%fZ', d.done_ms / 1000.0, 'unixepoch') AS done,
       strftime('%Y-%m-%dT%H:%M:%fZ', iif(d.state = 'waiting', s.next_ms, NULL) / 1000.0, 'unixepoch') AS next
FROM delivery d
JOIN event e ON e.id = d.event_id
JOIN sink s ON s.name = d.sink;

CREATE VIEW sinks AS
SELECT s.name,
       s.kind,
       s.delivered,
       (SELECT count(*) FROM delivery d WHERE d.sink = s.name AND d.state = 'waiting') AS waiting,
       s.refused,
       s.dropped,
       s.error,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.error_ms / 1000.0, 'unixepoch') AS failed,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.next_ms / 1000.0, 'unixepoch') AS next,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.last_ms / 1000.0, 'unixepoch') AS last
FROM sink s
WHERE NOT s.off;

PRAGMA user_version = 4;
