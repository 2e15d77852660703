import * as fc from "fast-check";

/** Lines such as people and attackers of parsers type: each shell's own markers are among them. */
const commandLine = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
  fc.constantFrom(
    "echo 'ação, coração e ÃÕ' 🚀",
    "#123 a comment",
    "- cmd: - cmd: x",
    "  when: 1700000000",
    ": 1700000000:5;ls",
    ": > /tmp/log",
    "\\: x",
    "tail \\",
    "two spaces after a backslash \\  ",
    "printf '\\n\\\\n'",
    "",
    "  ",
  ),
);

/** A command of one or more lines that a shell could have taken: not blank, no NUL, no trailing CR on any line. */
export const shellCommand: fc.Arbitrary<string> = fc
  .array(commandLine, { minLength: 1, maxLength: 4 })
  .map((lines) => lines.join("\n"))
  .filter((command) => command.trim() !== "" && !command.includes("\0") && !/\r(\n|$)/.test(command));

/** Seconds since the epoch, as shells write them; null where a shell wrote no time. */
export const seconds: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4_102_444_800 });
