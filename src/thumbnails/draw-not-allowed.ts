import { writeInCapitals } from './small-capitals.ts';

const SIDE = 700;
const RED = 'rgb(190,26,25)';
const TEXT = { text: 'media not allowed', x: 60.5, baseline: 652 };

/** What stands in for quarantined media unless the operator has something else: matrix-media-repo's picture, as SVG. */
export function drawNotAllowed(): string {
  const { path, strokeWidth } = writeInCapitals(TEXT.text);
  const pen = `fill="none" stroke="black" stroke-width="${strokeWidth}" stroke-linejoin="round"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">
<rect width="${SIDE}" height="${SIDE}" fill="rgb(255,186,73)"/>
<circle cx="350" cy="300" r="256" fill="${RED}"/>
<circle cx="350" cy="300" r="201" fill="white"/>
<path d="M188.43 138.43L511.57 461.57" stroke="${RED}" stroke-width="55"/>
<path d="${path}" transform="translate(${TEXT.x} ${TEXT.baseline})" ${pen}/>
</svg>`;
}
