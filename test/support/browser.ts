import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import type { Test } from 'tap';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** An installed browser of the Chromium family; undefined when there is none. */
export const browserPath = (): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));

/** A browser that nobody used before, closed with the test. */
export const startBrowser = async (
  t: Pick<Test, 'teardown'>,
  executablePath: string,
): Promise<BrowserContext> => {
  const profile = mkdtempSync(join(tmpdir(), 'tocsin-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 1_280, height: 900 },
    timeout: 30_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  t.teardown(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  return context;
};
