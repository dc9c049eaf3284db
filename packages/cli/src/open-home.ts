/** An identity that is open without a relay. @module */
import type { HomeView } from "./backend.ts";
import { unusableStore } from "./connect-client.ts";
import type { Context } from "./context.ts";
import { unlocked } from "./passphrase.ts";

/** Opens the context's identity, for as long as `use` runs. Makes it at the first use. */
export async function withHome<T>(
  context: Context,
  use: (home: HomeView) => Promise<T>,
): Promise<T> {
  const { backend } = context.surroundings;
  const { name } = context;
  const home = await context.home();
  let view: HomeView;
  try {
    view = await unlocked(
      context,
      async (passphrase) => await backend.openHome({ home, name, passphrase }),
    );
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
