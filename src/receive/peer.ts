/**
 * Address of whoever sends, without the port; empty when the connection is gone already. IPv4 is
 * written as such, though a socket for both families calls it `::ffff:192.0.2.1`.
 */
export const peerOf = (
  socket: { readonly remoteAddress?: string | undefined } | undefined,
): string => (socket?.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
