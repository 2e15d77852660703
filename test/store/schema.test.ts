import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openForWriting } from "../../daemon/store/database.ts";
import { migrate, readMigrations } from "../../daemon/store/migrate.ts";
import { cacheMigrations } from "../support/store.ts";
import { tempDir } from "../support/temp.ts";
import { dumpSchema } from "./dump.ts";

const committed = join(import.meta.dirname, "schema.sql");

test("the newest schema is the one in test/store/schema.sql", () => {
  const temp = tempDir("historyd-schema");
  const db = openForWriting(join(temp.path, "cache.db"));
  onTestFinished(() => {
    db.close();
    temp.remove();
  });
  migrate(db, readMigrations(cacheMigrations), temp.path);
  const schema = `-- What migrations/cache make, one after another. Written by schema.test.ts; not to be edited.\n\n${dumpSchema(db)}`;

  if (process.env["UPDATE_SCHEMA"] === "1") writeFileSync(committed, schema);
  expect(
    schema,
    "the migrations make another schema than the one in test/store/schema.sql. If that is meant, write it anew with " +
      "`UPDATE_SCHEMA=1 npx vitest run test/store/schema.test.ts` and commit the file with the migration",
  ).toBe(readFileSync(committed, "utf8"));
});
