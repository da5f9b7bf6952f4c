// What build.mjs tells the sources.

/** The address of every file built before this one, by its plain name: "zxing_reader.wasm", "scan-worker". */
declare const ASSETS: Readonly<Record<string, string>>;

/** In a `sw.ts`: the address of every file its page needs. */
declare const PRECACHE: readonly string[];

/** In a `sw.ts`: changes exactly when PRECACHE does. */
declare const VERSION: string;

declare module "*.css";
