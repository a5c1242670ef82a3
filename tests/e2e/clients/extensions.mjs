// AppAuth's modules import each other without file extensions, which bundlers complete and Node.js does not.
import { register } from "node:module";

const hook = `
const complete = { ERR_MODULE_NOT_FOUND: ".js", ERR_UNSUPPORTED_DIR_IMPORT: "/index.js" };
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!(error.code in complete)) throw error;
    return next(specifier + complete[error.code], context);
  }
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
