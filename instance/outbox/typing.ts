/** Milliseconds a person takes to begin, and for each character. */
const BEGIN = 400;
const PER_CHARACTER = 40;
/** Nobody is watched longer; WhatsApp itself takes the sign away after some 25 s. */
const LONGEST = 8000;

/** How long "typing" is shown before a text, milliseconds. */
export function typingTime(text: string): number {
  return Math.min(LONGEST, BEGIN + PER_CHARACTER * text.length);
}
