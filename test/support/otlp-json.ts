/** The message as OTLP's JSON has it: hex ids, base64 bytes, names for what JSON cannot say. */
export const encodeJson = (message: unknown): Uint8Array =>
  Buffer.from(
    JSON.stringify(message, (key, value: unknown) => {
      if (value instanceof Uint8Array) {
        return Buffer.from(value).toString(key === 'bytesValue' ? 'base64' : 'hex');
      }
      if (Object.is(value, -0)) return '-0';
      return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    }),
  );
