#if Macros
    internal import SwiftSyntax
    internal import SwiftSyntaxMacros

    /// Marks a function for the macros that look at it.
    struct WasmNameMacro: PeerMacro {
        static func expansion(
            of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
            in context: some MacroExpansionContext
        ) -> [DeclSyntax] { [] }
    }
#endif
