import type { RequestRecord } from './record.ts';

/**
 * What was written to which segment, so that nobody has to read it again. Segments with more than there
 * is room for are not known at all.
 */
export interface KnownRequests {
  /** Nothing was written to the segment yet. */
  readonly begin: (segment: number) => void;
  readonly add: (segment: number, requests: readonly RequestRecord[]) => void;
  /** All of them, or undefined. */
  readonly of: (segment: number) => readonly RequestRecord[] | undefined;
  readonly drop: (segment: number) => void;
}

export const createKnownRequests = (requestsMax: number): KnownRequests => {
  const bySegment = new Map<number, RequestRecord[]>();
  let count = 0;

  const drop = (segment: number): void => {
    count -= bySegment.get(segment)?.length ?? 0;
    bySegment.delete(segment);
  };

  return {
    begin: (segment) => {
      if (count < requestsMax) bySegment.set(segment, []);
    },
    add: (segment, requests) => {
      const known = bySegment.get(segment);
      if (!known) return;
      for (const request of requests) known.push(lean(request));
      count += requests.length;
      if (count > requestsMax) drop(segment);
    },
    of: (segment) => bySegment.get(segment),
    drop,
  };
};

/** The list of what was left out may be long, and only the body needs it. */
const lean = (request: RequestRecord): RequestRecord => {
  const { leftOut, ...acceptance } = request.acceptance;
  return leftOut === undefined ? request : { ...request, acceptance };
};
