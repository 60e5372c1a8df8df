/**
 * A key that makes a request recognisable: however often it is sent, it counts once. Also where
 * the page is served without TLS, and so without randomUUID.
 */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
