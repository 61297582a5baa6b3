import { caches } from './caches.ts';
import { ingestion } from './ingestion.ts';
import { dashboardJson } from './panel.ts';
import { services } from './services.ts';
import { slas } from './slas.ts';

/** Name of the file and its text, of every dashboard. */
export const dashboardFiles: Readonly<Record<string, string>> = Object.fromEntries(
  [services, caches, slas, ingestion].map((it) => [
    `${it.uid.replace('tocsin-', '')}.json`,
    dashboardJson(it),
  ]),
);
