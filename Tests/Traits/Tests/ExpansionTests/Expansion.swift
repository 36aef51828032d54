import SwiftSyntaxMacroExpansion
import SwiftSyntaxMacros
import SwiftSyntaxMacrosGenericTestSupport
import Testing

@testable import TestedMacroPlugin

/// Checks what the macros make of a source, or say about it.
func expectExpansion(
    of source: String, _ expected: String, _ diagnostics: [DiagnosticSpec] = [],
    fixed: String? = nil, at location: SourceLocation = #_sourceLocation
) {
    assertMacroExpansion(
        source, expandedSource: expected, diagnostics: diagnostics,
        macroSpecs: [
            "WasmExports": MacroSpec(type: WasmExportsMacro.self),
            "WasmImports": MacroSpec(type: WasmImportsMacro.self),
            "WasmName": MacroSpec(type: WasmNameMacro.self),
        ],
        fixedSource: fixed,
        failureHandler: { failure in
            Issue.record("\(failure.message)", sourceLocation: location)
        })
}
