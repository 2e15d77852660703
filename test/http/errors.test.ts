import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../client-lib/protocol/errors.ts";
import { ApiError, toApiError, toErrorBody } from "../../daemon/http/errors.ts";
import { RecorderError } from "../../daemon/intake/recorder-error.ts";
import { StorageError } from "../../daemon/store/database.ts";
import { SyncFailedError } from "../../daemon/sync/failure.ts";
import { createApi } from "./api.ts";

const withCode = (code: string, statusCode?: number): Error =>
  Object.assign(new Error("words"), { code, ...(statusCode === undefined ? {} : { statusCode }) });

describe("toApiError", () => {
  it.each<[unknown, number, string]>([
    [new ApiError(418, "HD_INVALID", "words"), 418, "HD_INVALID"],
    [new RecorderError("HD_NOT_FOUND", "words"), 404, "HD_NOT_FOUND"],
    [new RecorderError("HD_ID_TAKEN", "words"), 409, "HD_ID_TAKEN"],
    [new RecorderError("HD_DELETED", "words"), 409, "HD_DELETED"],
    [new RecorderError("HD_GONE", "words"), 409, "HD_GONE"],
    [new RecorderError("HD_OMITTED", "words"), 409, "HD_OMITTED"],
    [new RecorderError("HD_INVALID", "words"), 400, "HD_INVALID"],
    [new RecorderError("HD_RESTORE_EXPIRED", "words"), 410, "HD_RESTORE_EXPIRED"],
    [new StorageError("HD_STORAGE", "words"), 503, "HD_STORAGE"],
    [new StorageError("HD_CLOSED", "words"), 503, "HD_STOPPING"],
    [new SyncFailedError("rejected", "HD_SYNC_OFF", "words"), 409, "HD_SYNC_OFF"],
    [new SyncFailedError("internal", "HD_STOPPING", "words"), 503, "HD_STOPPING"],
    [new SyncFailedError("unreachable", "HD_REMOTE_TIMEOUT", "words"), 503, "HD_SYNC_FAILED"],
    [withCode("FST_ERR_CTP_BODY_TOO_LARGE", 413), 413, "HD_TOO_LARGE"],
    [withCode("FST_ERR_CTP_INVALID_MEDIA_TYPE", 415), 415, "HD_UNSUPPORTED_MEDIA_TYPE"],
    [withCode("FST_ERR_SOMETHING_NEW", 422), 422, "HD_BAD_REQUEST"],
    [withCode("FST_ERR_SOMETHING_NEW", 500), 500, "HD_INTERNAL"],
    [withCode("ENOSPC"), 500, "HD_INTERNAL"],
    [new TypeError("undefined is not a function"), 500, "HD_INTERNAL"],
    ["a string", 500, "HD_INTERNAL"],
    [null, 500, "HD_INTERNAL"],
    [undefined, 500, "HD_INTERNAL"],
  ])("%s", (thrown, statusCode, code) => {
    const answer = toErrorBody(toApiError(thrown));
    expect(answer).toMatchObject({ statusCode, code });
    expect(Object.keys(ERROR_CODES)).toContain(answer.code);
    expect(answer.message).not.toBe("");
  });

  it("tells nothing of what nobody expected", () => {
    const { message } = toApiError(new Error("SELECT secret FROM /root/cache.db"));
    expect(message).toBe("an unexpected error; the daemon's log says more");
  });
});

describe("a fault", () => {
  it("is logged with its route and not with what was asked for", async () => {
    const logged: object[] = [];
    const fault = new Error("boom");
    const api = await createApi({
      onError: (fields) => logged.push(fields),
      sync: {
        status: () => {
          throw fault;
        },
        totals: () => ({ uploaded: 0, downloaded: 0, conflicts: 0, errors: 0 }),
        syncNow: () => Promise.reject(fault),
      },
    });
    const { status, body } = await api.call("GET", "/v1/stats");
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: "HD_INTERNAL", error: "Internal Server Error" });
    expect(JSON.stringify(body)).not.toContain("boom");
    expect(logged).toEqual([{ err: fault, route: "/v1/stats", code: "HD_INTERNAL" }]);
    await api.close();
  });

  it("of the client's is not logged as an error", async () => {
    const logged: object[] = [];
    const api = await createApi({ onError: (fields) => logged.push(fields) });
    await api.call("POST", "/v1/history", {});
    await api.call("GET", "/v1/nowhere");
    await api.call("GET", "/v1/history/%zz");
    expect(logged).toEqual([]);
    await api.close();
  });

  it("of the cache's is 503, and the daemon that closed it is stopping", async () => {
    const api = await createApi({ onError: () => undefined });
    api.machine.store.close();
    const answer = await api.call("POST", "/v1/history", { command: "x" });
    expect(answer).toMatchObject({ status: 503, body: { code: "HD_STOPPING" } });
    await api.server.close();
  });
});
