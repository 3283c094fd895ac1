/** Pixels of a sticker's side, as WhatsApp has them. */
const SIDE = 512;

/** `WAWebImageUtils.toWebpSticker`: an image, fitted into a square. */
export async function toWebpSticker(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const scale = SIDE / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const canvas = new OffscreenCanvas(SIDE, SIDE);
  canvas.getContext('2d')?.drawImage(bitmap, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/webp' });
}
