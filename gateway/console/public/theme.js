// Runs before the first paint, so that a dark console never flashes white.
try {
  const wish = localStorage.getItem('yingda.theme')
  const dark =
    wish === 'dark' || (wish !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.toggle('dark', dark)
} catch {
  // Without storage the system's own choice stands in the style sheet.
}
