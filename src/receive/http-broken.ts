import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Intake } from './intake.ts';
import { statusBody } from './status.ts';

/**
 * Answers what never became a request: no HTTP, too many headers, headers that took too long. A
 * Status here too; its encoding is JSON since the sender's is unknown.
 */
export const answerBrokenHttp = (
  error: NodeJS.ErrnoException,
  socket: Duplex,
  intake: Intake,
): void => {
  const status = statusFor(error.code);
  const kind = { signal: 'none', encoding: 'none' } as const;
  intake.connectionRefused('broken', error.message);
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  intake.instruments.answered(kind, String(status), 0);
  const reason = STATUS_CODES[status] ?? '';
  const body = statusBody(
    {
      code: 'ERR_HTTP_BROKEN',
      httpStatus: status,
      grpcCode: 'INVALID_ARGUMENT',
      message: `${reason}: not a complete HTTP/1.1 request`,
      retryAfterMs: undefined,
      badRequest: false,
    },
    'json',
  );
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body.toString()}`,
  );
};

const statusFor = (code: string | undefined): number => {
  switch (code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return 431;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408;
    default:
      return 400;
  }
};
