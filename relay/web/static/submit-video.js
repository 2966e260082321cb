/* Frames of a video, as the browser shows it: one a second, at most as many as the relay looks at. */

const STEP = 1;
const MOST = 300;
/** Seconds that a video may take to open, or to go to a place. */
const PATIENCE = 20;

export function canBeFilmed(file) {
  return document.createElement("video").canPlayType(file.type) !== "";
}

/** Bitmaps of a video file, as far as it can be shown. `onProgress` gets the share that is done. */
export async function* frames(file, onProgress) {
  const url = URL.createObjectURL(file);
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  try {
    const opened = heard(video, "loadeddata");
    video.src = url;
    await opened;
    const length = Number.isFinite(video.duration) ? video.duration : 0;
    const count = Math.max(1, Math.min(MOST, Math.ceil(length / STEP)));
    for (let number = 0; number < count; number += 1) {
      if (number > 0) {
        const there = heard(video, "seeked");
        video.currentTime = Math.min(number * STEP, length);
        await there;
      }
      yield await createImageBitmap(video);
      onProgress((number + 1) / count);
    }
  } catch {
    // What comes after cannot be shown here; what came before counts.
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

function heard(video, name) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(reject, 1000 * PATIENCE);
    video.addEventListener(name, () => { clearTimeout(late); resolve(); }, { once: true });
    video.addEventListener("error", () => { clearTimeout(late); reject(); }, { once: true });
  });
}
