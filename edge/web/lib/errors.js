/** What is not trusted: a document, a signature, a file of a release, or a model that answers otherwise than it should. */
export class Refused extends Error {
  name = "Refused";
}

/** What a caller gave and cannot be scored; the message names the `field` and the row, counted from 0. */
export class BadInput extends Error {
  name = "BadInput";

  constructor(message, field = null) {
    super(message);
    this.field = field;
  }
}
