import { createHash } from 'node:crypto';

/**
 * SHA-256 in lower-case hexadecimal: what is kept of a key. Keys are 32 random bytes, so a hash
 * without salt or work is as hard to turn back as the key is to guess.
 */
export const keyHash = (key: string): string => createHash('sha256').update(key).digest('hex');
