import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startDaemon, type TestDaemon } from "../support/daemon.ts";

const TOKEN = "eyJhbGciOiJFZERTQSJ9.c2VjcmV0.not-to-be-seen";
/** What a person typed, one word for each place it can be typed in. */
const TYPED = {
  command: "marker-command",
  response: "marker-response",
  note: "marker-note",
  tag: "marker-tag",
  context: "marker-context",
  query: "marker-query",
  cwd: "marker-cwd",
  spooled: "marker-spooled",
  bad: "marker-bad",
};

/** A server that gives back all it was sent, as a careless proxy's error page does. */
async function startEcho() {
  let seen = "";
  const echo = { url: "", status: 200, type: "application/json", seen: () => seen };
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const text = JSON.stringify({
        message: JSON.stringify(request.headers) + body,
        code: "X",
        headers: request.headers,
      });
      seen += text;
      response.writeHead(echo.status, { "content-type": echo.type }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  echo.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return echo;
}

/** Everything a client can do, well and badly. @returns all answers as text */
async function useEverything(
  { request, home, process }: TestDaemon,
  echo: { status: number; type: string },
): Promise<string> {
  const answers: unknown[] = [];
  const call = async (...[method, path, body]: Parameters<TestDaemon["request"]>) => {
    const answer = await request(method, path, body);
    answers.push(answer);
    return answer;
  };
  const entry = {
    command: TYPED.command,
    response: TYPED.response,
    note: TYPED.note,
    tags: [TYPED.tag],
    context: { a: TYPED.context },
    cwd: `/${TYPED.cwd}`,
  };
  const { body } = await call("POST", "/v1/history", entry);
  await call("POST", "/v1/history", { ...entry, id: body.id, response: "other" });
  await call("POST", "/v1/history", { ...entry, kind: TYPED.bad, [TYPED.bad]: 1 });
  await call("POST", "/v1/history", `{"command":"${TYPED.bad}`);
  await call("PATCH", `/v1/history/${body.id}`, { note: `${TYPED.note} again` });
  await call("GET", `/v1/search?q=${TYPED.query}`);
  await call("GET", `/v1/search?q=${TYPED.query}&limit=${TYPED.bad}`);
  await call("GET", `/v1/history?cwd=${TYPED.query}&tag=${TYPED.query}&${TYPED.bad}=1`);
  await call("GET", `/v1/history/${TYPED.bad}`);
  await call("GET", `/v1/${TYPED.bad}`);
  await call("DELETE", `/v1/history/${body.id}`);
  const lines = [
    { v: 1, entry: { command: TYPED.spooled } },
    { v: 1, entry: { command: 5, note: TYPED.spooled } },
  ];
  for (const line of lines) appendFileSync(join(home, "spool", "a.jsonl"), `${JSON.stringify(line)}\n`);
  appendFileSync(join(home, "spool", "a.jsonl"), `{"v":1,"entry":{"command":"${TYPED.spooled}\n`);
  await process.waitFor(async () => (await request("GET", "/v1/status")).body.spool.rejected === 2, {
    what: "the spool to be taken in",
  });
  for (echo.type of ["application/json", "text/html"]) {
    for (echo.status of [200, 400, 401, 403, 404, 429, 500, 503]) {
      expect(await call("POST", "/v1/sync")).toMatchObject({ status: 503, body: { code: "HD_SYNC_FAILED" } });
    }
  }
  for (const path of ["/v1/status", "/v1/sync", "/v1/stats", "/openapi.json"]) await call("GET", path);
  return JSON.stringify(answers);
}

it.each(["json", "journal", "pretty"])(
  "at level trace, the log has neither the token nor what people typed, and no answer the token: %s",
  async (format) => {
    const echo = await startEcho();
    const daemon = await startDaemon({
      env: {
        TURSO_DATABASE_URL: echo.url,
        TURSO_AUTH_TOKEN: TOKEN,
        HISTORYD_SYNC_OFFLINE_MODE: "always",
        HISTORYD_LOG_LEVEL: "trace",
        HISTORYD_LOG_FORMAT: format,
      },
    });
    onTestFinished(daemon.close);
    const answers = await useEverything(daemon, echo);
    await daemon.stop();
    const log = [...daemon.process.stdout, ...daemon.process.stderr];
    expect(log.filter((line) => line.includes(TOKEN) || line.includes("not-to-be-seen"))).toEqual([]);
    expect(log.filter((line) => line.includes("marker-"))).toEqual([]);
    expect(answers).not.toContain("not-to-be-seen");
    // The token really went out and came back, and the log is one that says something.
    expect(echo.seen()).toContain(TOKEN);
    for (const word of ["HD_REMOTE_UNAUTHORIZED", "/v1/search", "a spooled entry was refused"]) {
      expect(log.some((line) => line.includes(word))).toBe(true);
    }
  },
);

it("the log has the form that was asked for", async () => {
  const linesOf = async (args: string[]): Promise<readonly string[]> => {
    const daemon = await startDaemon({ env: { HISTORYD_LOG_FORMAT: "" }, args });
    onTestFinished(daemon.close);
    await daemon.stop();
    expect(daemon.process.stdout).toEqual([]);
    return daemon.process.stderr;
  };
  const piped = await linesOf([]);
  expect(piped.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain("historyd is ready");
  const journal = await linesOf(["--log-format", "journal"]);
  expect(journal.filter((line) => !/^<[0-7]>\S/.test(line))).toEqual([]);
  expect(journal.join("\n")).toMatch(/^<6>historyd is ready \{.*"socket":/m);
  const pretty = await linesOf(["--log-format", "pretty"]);
  expect(pretty.join("\n")).toMatch(/^\[\d\d:\d\d:\d\d\.\d+\] INFO: historyd is ready/m);
});
