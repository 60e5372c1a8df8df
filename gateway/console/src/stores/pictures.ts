/** From whom pictures on the web are shown without being asked each time, in this browser. */
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { readStored, store } from '@/logic/storage'

const STORED = 'yingda.pictures'
const KEPT = 200

function read(): string[] {
  try {
    const found: unknown = JSON.parse(readStored(STORED) ?? '[]')
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

export const usePictures = defineStore('pictures', () => {
  const trusted = ref(read())

  const shownFor = (address: string) => trusted.value.includes(address.toLowerCase())

  function showFor(address: string): void {
    const others = trusted.value.filter((one) => one !== address.toLowerCase())
    trusted.value = [...others, address.toLowerCase()].slice(-KEPT)
    store(STORED, JSON.stringify(trusted.value))
  }

  return { shownFor, showFor }
})
