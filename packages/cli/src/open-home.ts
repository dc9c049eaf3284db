/** An identity that is open without a relay. @module */
import type { HomeOptions, HomeView } from "./backend.ts";
import { unusableStore } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { unlocked } from "./passphrase.ts";

/** Opens the context's identity, for as long as `use` runs. Makes it at the first use. */
export async function withHome<T>(
  context: Context,
  use: (home: HomeView) => Promise<T>,
): Promise<T> {
  const { backend } = context.surroundings;
  return await withView(context, async (options) => await backend.openHome(options), use);
}

/** The same for what only reads: also beside another `postern` that runs under the identity. */
export async function readingHome<T>(
  context: Context,
  use: (home: HomeView) => Promise<T>,
): Promise<T> {
  const { backend } = context.surroundings;
  return await withView(context, async (options) => await backend.readHome(options), use);
}

async function withView<T>(
  context: Context,
  open: (options: HomeOptions) => Promise<HomeView>,
  use: (home: HomeView) => Promise<T>,
): Promise<T> {
  const { name } = context;
  const home = await context.home();
  let view: HomeView;
  try {
    view = await unlocked(context, async (passphrase) => await open({ home, name, passphrase }));
  } catch (error) {
    throw unusableStore(error, home);
  }
  try {
    context.output.about({ name: view.name });
    return await use(view);
  } finally {
    await view.close();
  }
}
