/** A text in which what stands between backticks is code. */
export function Prose({ text }: { text: string }) {
  return (
    <>
      {text.split('`').map((piece, index) =>
        // Pieces have no identity but their place.
        index % 2 === 1 ? <code key={String(index)}>{piece}</code> : piece,
      )}
    </>
  );
}
