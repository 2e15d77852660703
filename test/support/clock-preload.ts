// Loaded into a daemon before its own code (`node --import`): its wall clock is off by as many milliseconds as a file
// says at this moment. Timers and the monotonic clock go on as they do on a machine whose clock is set.
import { readFileSync } from "node:fs";

const file = process.env["CLOCK_FILE"];
if (file === undefined) throw new Error("expected CLOCK_FILE, a file with milliseconds");
const { now } = Date;
Date.now = () => now() + Number(readFileSync(file, "utf8"));
