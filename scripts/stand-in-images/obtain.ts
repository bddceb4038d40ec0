import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDebian, unpackPackages } from './debian.ts';
import { buildImage, findImage, pull, RECIPE_LABEL } from './docker.ts';
import { RECIPES, type Recipe } from './recipes.ts';

/**
 * Makes an image available under its name: the one there is, else the registry's, else a stand-in.
 * @returns how it came to be there; a stand-in says which version it has, whatever its tag says
 */
export async function obtain(name: string): Promise<string> {
  const recipe = RECIPES[name];
  const key = recipe && (await keyOf(recipe));
  const found = await findImage(name);
  // A stand-in of an older recipe is built anew; an image of a registry is never touched.
  if (found && (!found.recipe || found.recipe === key)) return 'present';
  const refusal = await pull(name);
  if (refusal === undefined) return 'pulled';
  if (!recipe || !key || !(await isDebian())) throw new Error(`${name} cannot be pulled: ${refusal}`);
  return `built from Debian, with ${await buildStandIn(name, recipe, key)}`;
}

const dockerfileOf = ({ dockerfile }: Recipe): string => join(import.meta.dirname, dockerfile);

async function keyOf(recipe: Recipe): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  return hash
    .update(await readFile(dockerfileOf(recipe)))
    .digest('hex')
    .slice(0, 12);
}

async function buildStandIn(name: string, recipe: Recipe, key: string): Promise<string> {
  const context = await mkdtemp(join(tmpdir(), 'stand-in-image-'));
  const root = join(context, 'root');
  try {
    await mkdir(root);
    const main = await unpackPackages(recipe.suite, recipe.packages, root);
    await recipe.complete?.(root);
    await copyFile(dockerfileOf(recipe), join(context, 'Dockerfile'));
    await buildImage(name, context, { labels: { [RECIPE_LABEL]: key }, buildArgs: recipe.buildArgs ?? {} });
    return main;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
