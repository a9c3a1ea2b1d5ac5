-- The pairs of nodes that meet, and the J-measure of each kind of evidence, by a self-join: what
-- tests/bench/mining has DuckDB and SQLite do beside flowlore. Tables as tests/bench/countpairs writes them. Both
-- kinds of evidence and both directions come from one join, which is the cheapest that either engine can do. Of
-- pairs that share two hosts every window is there twice, and so are those of nodes that name two.
-- Gives: kinds of pairs tested, co-occurrences joined, sum of the J-measures above 0 in bits.
WITH together AS MATERIALIZED (
    SELECT a.host % 4 AS lane, a.node AS x, b.node AS y, count(*) AS rows_joined,
           sum(a.starts * b.starts) AS both_start, sum(a.starts) AS x_starts, sum(b.starts) AS y_starts
    FROM presence a JOIN presence b ON a.host = b.host AND a.time_window = b.time_window
    WHERE a.node < b.node AND a.starts + b.starts > 0
    GROUP BY 1, 2, 3
),
active AS MATERIALIZED (
    SELECT p.node * 4 + p.host % 4 AS name,
           sum(p.starts) / max(CASE WHEN p.host % 4 = 0 AND n.client >= 0 AND n.server >= 0 THEN 2.0 ELSE 1.0 END)
               AS n_new,
           count(*) / max(CASE WHEN p.host % 4 = 0 AND n.client >= 0 AND n.server >= 0 THEN 2.0 ELSE 1.0 END)
               AS n_present
    FROM presence p JOIN node n ON p.node = n.node GROUP BY 1
),
total AS MATERIALIZED (
    SELECT host % 4 AS lane, 90000.0 * CASE WHEN host % 4 = 0 THEN 1 ELSE count(DISTINCT host) END AS n
    FROM presence GROUP BY host % 4
),
allowed AS MATERIALIZED (
    SELECT t.*, CASE WHEN t.lane = 0 AND nx.client >= 0 AND nx.server >= 0
                      AND ((nx.client = ny.client AND nx.server = ny.server)
                           OR (nx.client = ny.server AND nx.server = ny.client)) THEN 2.0 ELSE 1.0 END AS met
    FROM together t JOIN node nx ON nx.node = t.x JOIN node ny ON ny.node = t.y
    WHERE t.lane = 1 OR (t.lane = 2 AND nx.client <> ny.client) OR
          (t.lane = 0 AND NOT (nx.client = -1 AND ny.client = -1)
           AND NOT (nx.service = ny.service AND (nx.client = ny.client OR (nx.client = -1 AND ny.client <> -1))
                    AND (nx.server = ny.server OR (nx.server = -1 AND ny.server <> -1)))
           AND NOT (nx.service = ny.service AND (nx.client = ny.client OR (ny.client = -1 AND nx.client <> -1))
                    AND (nx.server = ny.server OR (ny.server = -1 AND nx.server <> -1))))
),
kinds AS MATERIALIZED (
    SELECT lane, x, y, both_start / met AS n_xy, 0 AS during FROM allowed WHERE both_start > 0
    UNION ALL SELECT lane, x, y, x_starts / met, 1 FROM allowed WHERE x_starts > 0
    UNION ALL SELECT lane, y, x, y_starts / met, 1 FROM allowed WHERE y_starts > 0
),
figures AS (
    SELECT k.n_xy, ax.n_new AS n_x, CASE WHEN k.during = 1 THEN ay.n_present ELSE ay.n_new END AS n_y, total.n
    FROM kinds k JOIN active ax ON ax.name = k.x * 4 + k.lane
                 JOIN active ay ON ay.name = k.y * 4 + k.lane
                 JOIN total ON total.lane = k.lane
),
scored AS (
    SELECT CASE WHEN n_xy / n_x <= n_y / n THEN 0.0
                ELSE n_xy / n * log2(n_xy / n_x / (n_y / n)) +
                     CASE WHEN n_x > n_xy THEN (n_x - n_xy) / n * log2((1 - n_xy / n_x) / (1 - n_y / n)) ELSE 0.0 END
           END AS j
    FROM figures
)
SELECT (SELECT count(*) FROM scored) AS tested, (SELECT sum(rows_joined) FROM together) AS joined,
       (SELECT sum(j) FROM scored) AS bits
