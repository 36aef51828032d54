#if Macros
    internal import SwiftCompilerPlugin
    internal import SwiftSyntaxMacros

    /// What the compiler starts to expand the macros of `ApusMacros`.
    @main
    struct Plugin: CompilerPlugin {
        let providingMacros: [any Macro.Type] = [
            WasmExportsMacro.self, WasmImportsMacro.self, WasmNameMacro.self,
        ]
    }
#else
    /// Without the trait there are no macros, and nobody starts this.
    @main
    struct Plugin {
        static func main() {}
    }
#endif
