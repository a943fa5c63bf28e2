/** Whether a finger points: it scrolls the list, so that nothing can be dragged out of it. */
export const isTouch = window.matchMedia?.('(pointer: coarse)').matches ?? false;
