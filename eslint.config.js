import { defineConfig } from 'eslint/config'
import typescript from 'typescript-eslint'

const typed = {
  '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
  '@typescript-eslint/explicit-module-boundary-types': 'error',
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/no-non-null-assertion': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-readonly': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  // Numbers, pids and units are what messages are made of.
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
  // An async function that awaits nothing keeps the shape of an interface; a rejected promise is not a throw.
  '@typescript-eslint/require-await': 'off',
  // Contexts and handles are closures, made to be taken apart.
  '@typescript-eslint/unbound-method': 'off',
}

const bounds = {
  // A switch is one decision: the exhaustive ones are how states and events are told apart.
  complexity: ['error', { max: 12, variant: 'modified' }],
  eqeqeq: 'error',
  'max-depth': ['error', 3],
  'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
  'max-params': ['error', 4],
  'no-param-reassign': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
}

// Deprecated in favour of a plugin, but still in the core: two rules are not worth a dependency.
const text = {
  quotes: ['error', 'single', { avoidEscape: true, allowTemplateLiterals: true }],
  semi: ['error', 'never'],
}

const named = {
  'no-restricted-syntax': [
    'error',
    { selector: 'ExportDefaultDeclaration', message: 'Export it by its name.' },
    { selector: 'ExportAllDeclaration', message: 'Name each export; inside the package, import the concrete file.' },
    { selector: 'TSEnumDeclaration', message: 'A union of literals.' },
    { selector: 'PropertyDefinition[accessibility="private"], MethodDefinition[accessibility="private"]', message: '#private.' },
  ],
}

export default defineConfig(
  { ignores: ['dist/', 'test/dist/', 'coverage/', '**/node_modules/', 'test/fixtures/**/syntax-error.*'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    extends: [typescript.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { ...typed, ...bounds, ...named, ...text },
  },
  { files: ['src/**/*.ts'], ignores: ['src/cli/**', 'src/examples/**'], rules: { 'no-console': 'error' } },
  { files: ['*.js', 'test/*.mjs'], rules: { ...bounds, ...text } },
  // A service module has a default export: that is what the launcher loads.
  { files: ['src/examples/**', 'test/fixtures/**'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      // test() and describe() of node:test return promises that the runner awaits.
      '@typescript-eslint/no-floating-promises': ['error', {
        allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'] }],
      }],
      '@typescript-eslint/explicit-module-boundary-types': 'off',
    },
  },
)
