import ts from 'typescript'

/** What the rules of the tree ask about one source file. */
export interface SourceFacts {
  /** Every specifier, whatever the form: import, import type, import(), typeof import(), export from, require. */
  readonly specifiers: readonly string[]
  /** It has `export *`. */
  readonly exportsAll: boolean
  /** It does nothing but pass on what other files export. */
  readonly isBarrel: boolean
  /** First arguments of `new CodedError('…')`. */
  readonly errorCodes: readonly string[]
}

/** Parsed, not searched by patterns: a comment or a string that looks like an import is none. */
export function sourceFacts(path: string, text: string): SourceFacts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest)
  const nodes = [...descendants(file)]
  const requires = new Set(['require', ...nodes.flatMap(requireNameOf)])
  return {
    specifiers: nodes.flatMap((node) => specifierOf(node, requires)),
    exportsAll: nodes.some((node) => ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && node.exportClause === undefined),
    isBarrel: file.statements.some(isReExport) && file.statements.every((statement) => isReExport(statement) || ts.isImportDeclaration(statement)),
    errorCodes: nodes.flatMap(errorCodeOf),
  }
}

function* descendants(node: ts.Node): Generator<ts.Node> {
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => { children.push(child) })
  for (const child of children) {
    yield child
    yield* descendants(child)
  }
}

/** `load` of `const load = createRequire(…)`. */
function requireNameOf(node: ts.Node): readonly string[] {
  const named = ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined && makesRequire(node.initializer)
  return named ? [node.name.text] : []
}

function makesRequire(node: ts.Expression): boolean {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'createRequire'
}

function specifierOf(node: ts.Node, requires: ReadonlySet<string>): readonly string[] {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier)
  if (ts.isExternalModuleReference(node)) return textOf(node.expression)
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : []
  if (ts.isCallExpression(node) && loadsModule(node.expression, requires)) return textOf(node.arguments[0])
  return []
}

/** `import(…)`, `require(…)`, `require.resolve(…)`, `createRequire(…)(…)`. */
function loadsModule(callee: ts.Expression, requires: ReadonlySet<string>): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  if (ts.isIdentifier(callee)) return requires.has(callee.text)
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text === 'resolve' && loadsModule(callee.expression, requires)
  return makesRequire(callee)
}

function textOf(node: ts.Node | undefined): readonly string[] {
  return node !== undefined && ts.isStringLiteralLike(node) ? [node.text] : []
}

function isReExport(node: ts.Node): boolean {
  return ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined
}

function errorCodeOf(node: ts.Node): readonly string[] {
  const coded = ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'CodedError'
  return coded ? textOf(node.arguments?.[0]) : []
}
