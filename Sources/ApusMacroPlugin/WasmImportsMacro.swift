#if Macros
    internal import SwiftDiagnostics
    internal import SwiftSyntax
    internal import SwiftSyntaxBuilder
    internal import SwiftSyntaxMacros

    /// Makes functions of the host of a type's methods.
    struct WasmImportsMacro: MemberMacro {
        static func expansion(
            of node: AttributeSyntax, providingMembersOf declaration: some DeclGroupSyntax,
            conformingTo protocols: [TypeSyntax], in context: some MacroExpansionContext
        ) -> [DeclSyntax] {
            if declaration.is(ProtocolDeclSyntax.self) || declaration.is(ExtensionDeclSyntax.self) {
                context.diagnose(Complaint.notAType.about(node))
                return []
            }
            guard let module = WasmFunction.literal(of: node) else {
                context.diagnose(Complaint.noModule.about(node))
                return []
            }
            let functions = declaration.memberBlock.members
                .compactMap { $0.decl.as(FunctionDeclSyntax.self) }
                .filter(isImported).map(WasmFunction.init)
            let complaints = functions.flatMap(\.complaints) + functions.ambiguities
            guard complaints.isEmpty else {
                for complaint in complaints { context.diagnose(complaint) }
                return []
            }
            let definitions = functions.map { definition($0, module) }
            return [
                """
                /// Gives its methods to those who import from \(literal: module).
                \(raw: access(declaration.modifiers))func define(in linker: inout Linker) {
                    \(raw: definitions.joined(separator: "\n    "))
                }
                """
            ]
        }

        /// Whether a method is for guests.
        private static func isImported(_ function: FunctionDeclSyntax) -> Bool {
            let others = ["private", "fileprivate", "static", "class"]
            return !function.modifiers.contains { others.contains($0.name.text) }
        }

        private static func definition(_ function: WasmFunction, _ module: String) -> String {
            var parameters = function.parameters.enumerated().map { index, parameter in
                "\(WasmFunction.local(parameter, index)): \(parameter.type.trimmedDescription)"
            }
            // Who waits must know for whom.
            if function.isAsynchronous, !function.hasCaller {
                parameters.insert("_: Caller", at: 0)
            }
            let effects = function.isAsynchronous ? "async throws" : "throws"
            let result = function.result?.trimmedDescription ?? "Void"
            let call =
                (function.canThrow ? "try " : "") + (function.isAsynchronous ? "await " : "")
                + "self.\(function.declaration.name.text)(\(function.passedArguments))"
            let names = "\(literal(module)), \(literal(function.wasmName))"
            return """
                linker.define(\(names)) { (\(parameters.joined(separator: ", "))) \(effects) \
                -> \(result) in
                        \(call)
                    }
                """
        }
    }
#endif
