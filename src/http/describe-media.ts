import { formatDisposition } from './content-disposition.ts';
import { cleanContentType, nameCharset } from './content-type.ts';

/** How media is called and to be treated. */
export interface MediaDescription {
  readonly contentType: string;
  /** `undefined`: no file name is sent (CD-5). */
  readonly fileName: string | undefined;
  /** Never `inline`, because the client said so (CD-9). */
  readonly asAttachment: boolean;
}

/** Specification: CT-1, CT-3, CD-1 to CD-7. */
export function describeMedia({ contentType: stored, fileName, asAttachment }: MediaDescription) {
  const contentType = nameCharset(cleanContentType(stored));
  return {
    'Content-Type': contentType,
    'Content-Disposition': formatDisposition(contentType, fileName, asAttachment),
  };
}
