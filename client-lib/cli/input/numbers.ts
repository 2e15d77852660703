import { InvalidArgumentError } from "commander";

/** A parser for an option's number. It throws what commander shows as a usage error. */
export function toNumber(range: { min: number; max: number; whole?: boolean }): (text: string) => number {
  const { min, max, whole = true } = range;
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= min && value <= max && (!whole || Number.isInteger(value)))
      return value;
    throw new InvalidArgumentError(`Expected a ${whole ? "whole " : ""}number from ${min} to ${max}.`);
  };
}

/** What an exit status can be on the wire. */
export const toExitCode = toNumber({ min: -2_147_483_648, max: 2_147_483_647 });
