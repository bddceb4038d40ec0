import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDebian, unpackPackages } from './debian.ts';
import { buildImage, findImage, pull, RECIPE_LABEL } from './docker.ts';
import { RECIPES, type Recipe } from './recipes.ts';

/** How an image came to be there. */
export type Origin = 'present' | 'pulled' | 'built from Debian';

/** Makes an image available under its name: the one there is, else the registry's, else a stand-in. */
export async function obtain(name: string): Promise<Origin> {
  const recipe = RECIPES[name];
  const key = recipe && (await keyOf(recipe));
  const found = await findImage(name);
  // A stand-in of an older recipe is built anew; an image of a registry is never touched.
  if (found && (!found.recipe || found.recipe === key)) return 'present';
  const refusal = await pull(name);
  if (refusal === undefined) return 'pulled';
  if (!recipe || !key || !(await isDebian())) throw new Error(`${name} cannot be pulled: ${refusal}`);
  await buildStandIn(name, recipe, key);
  return 'built from Debian';
}

const dockerfileOf = ({ dockerfile }: Recipe): string => join(import.meta.dirname, dockerfile);

async function keyOf(recipe: Recipe): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  return hash
    .update(await readFile(dockerfileOf(recipe)))
    .digest('hex')
    .slice(0, 12);
}

async function buildStandIn(name: string, recipe: Recipe, key: string): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'stand-in-image-'));
  const root = join(context, 'root');
  try {
    await mkdir(root);
    await unpackPackages(recipe.suite, recipe.packages, root);
    await recipe.complete?.(root);
    await copyFile(dockerfileOf(recipe), join(context, 'Dockerfile'));
    await buildImage(name, context, { labels: { [RECIPE_LABEL]: key }, buildArgs: recipe.buildArgs ?? {} });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
