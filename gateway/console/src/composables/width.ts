import { ref, type Ref } from 'vue'

/** Follows a media query; there is one for the whole page, so it is never let go. */
function follow(query: string): Readonly<Ref<boolean>> {
  const media = matchMedia(query)
  const matches = ref(media.matches)
  media.addEventListener('change', () => {
    matches.value = media.matches
  })
  return matches
}

/** A phone, or a window as narrow: one thing at a time. Style sheets say (max-width: 767px). */
export const isPhone = follow('(max-width: 767px)')

/** Room for list, conversation and details side by side. */
export const isWide = follow('(min-width: 1200px)')
