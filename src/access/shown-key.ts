/**
 * The key in an Authorization header: `Bearer KEY`, or `Basic …` with the key as its password, which
 * is how a browser and curl's `-u` say it. Undefined when there is none.
 */
export const shownKey = (authorization: string | undefined): string | undefined => {
  const [, scheme = '', credentials = ''] =
    /^(bearer|basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic': {
      const [, password] =
        /^[^:]*:(.+)$/s.exec(Buffer.from(credentials, 'base64').toString()) ?? [];
      return password;
    }
    default:
      return undefined;
  }
};
