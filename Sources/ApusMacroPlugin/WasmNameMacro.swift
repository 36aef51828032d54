#if Macros
    public import SwiftSyntax
    public import SwiftSyntaxMacros

    /// Marks a function for the macros that look at it.
    public struct WasmNameMacro: PeerMacro {
        public static func expansion(
            of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
            in context: some MacroExpansionContext
        ) -> [DeclSyntax] { [] }
    }
#endif
