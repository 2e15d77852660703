import * as fc from "fast-check";

/**
 * Property tests draw the same values in every run, so that a change that passed does not fail elsewhere by chance.
 * To look further: FAST_CHECK_SEED=$RANDOM npx vitest run.
 */
fc.configureGlobal({ seed: Number(process.env["FAST_CHECK_SEED"] ?? 20_261_120) });
