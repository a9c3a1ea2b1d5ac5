// DuckDB's part of tests/bench/mining, through npm's @duckdb/node-api.
//
//     node pairs.mjs load DATABASE TABLES               make a database of TABLES.presence and TABLES.node
//     node pairs.mjs count DATABASE STATEMENT THREADS   run the file's statement; prints pairs tested, rows joined,
//                                                       bits, seconds, CPU seconds, peak memory in KiB
//
// A process a run: what is measured is the statement alone, with the tables in the page cache; memory is the
// whole process.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const { DuckDBInstance } = require("@duckdb/node-api");
const [what, database, argument, threads] = process.argv.slice(2);
const instance = await DuckDBInstance.create(database, { threads: threads ?? "2" });
const connection = await instance.connect();

if (what === "load") {
  await connection.run("CREATE TABLE presence (host INTEGER, time_window INTEGER, node INTEGER, starts INTEGER)");
  await connection.run(`COPY presence FROM '${argument}.presence' (FORMAT csv, HEADER false)`);
  await connection.run("CREATE TABLE node (node INTEGER, client INTEGER, server INTEGER, service INTEGER)");
  await connection.run(`COPY node FROM '${argument}.node' (FORMAT csv, HEADER false)`);
} else {
  await connection.runAndReadAll("SELECT sum(host + time_window + node + starts) FROM presence");
  const began = performance.now(), before = process.cpuUsage();
  const rows = (await connection.runAndReadAll(readFileSync(argument, "utf8"))).getRowsJson();
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(before);
  const cpu = (used.user + used.system) / 1e6;
  console.log(...rows[0], seconds.toFixed(4), cpu.toFixed(4), process.resourceUsage().maxRSS);
}
connection.closeSync();
