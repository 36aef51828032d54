#if Macros
    internal import SwiftDiagnostics
    internal import SwiftSyntax
    internal import SwiftSyntaxBuilder
    internal import SwiftSyntaxMacros

    /// Makes a client of a protocol.
    struct WasmExportsMacro: PeerMacro {
        static func expansion(
            of node: AttributeSyntax, providingPeersOf declaration: some DeclSyntaxProtocol,
            in context: some MacroExpansionContext
        ) -> [DeclSyntax] {
            guard let declaration = declaration.as(ProtocolDeclSyntax.self) else {
                context.diagnose(Complaint.notAProtocol.about(node))
                return []
            }
            var functions: [WasmFunction] = []
            var complaints: [Diagnostic] = []
            for member in declaration.memberBlock.members {
                guard let function = member.decl.as(FunctionDeclSyntax.self) else {
                    complaints.append(Complaint.notAFunction.about(member.decl))
                    continue
                }
                functions.append(WasmFunction(function))
            }
            for function in functions { complaints += function.complaints + exported(function) }
            complaints += functions.ambiguities
            guard complaints.isEmpty else {
                for complaint in complaints { context.diagnose(complaint) }
                return []
            }
            return [client(of: declaration, functions)]
        }

        /// Complains about what a function that a guest exports cannot be.
        private static func exported(_ function: WasmFunction) -> [Diagnostic] {
            let declaration = function.declaration
            var complaints: [Diagnostic] = []
            for modifier in declaration.modifiers
            where ["static", "class"].contains(modifier.name.text) {
                complaints.append(Complaint.typeMember(function.name).about(modifier))
            }
            if function.hasCaller, let first = function.parameters.first {
                let hint = "it is for functions that guests import ('@WasmImports')"
                complaints.append(Complaint.type("Caller", hint: hint).about(first.type))
            }
            if let clause = declaration.signature.effectSpecifiers?.throwsClause {
                if clause.type != nil {
                    complaints.append(Complaint.typedThrows(function.name).about(clause))
                }
            } else {
                complaints.append(
                    Complaint.mustThrow(function.name).about(
                        declaration.name, [throwing(declaration)]))
            }
            return complaints
        }

        /// Makes a declaration `throws`.
        private static func throwing(_ declaration: FunctionDeclSyntax) -> FixIt {
            var signature = declaration.signature
            let hasMore = signature.effectSpecifiers != nil || signature.returnClause != nil
            var effects = signature.effectSpecifiers ?? FunctionEffectSpecifiersSyntax()
            effects.throwsClause = ThrowsClauseSyntax(
                throwsSpecifier: .keyword(
                    .throws, leadingTrivia: effects.asyncSpecifier == nil && hasMore ? [] : .space,
                    trailingTrivia: signature.returnClause == nil ? [] : .space))
            signature.effectSpecifiers = effects
            return FixIt(
                message: Remedy(message: "add 'throws'"),
                changes: [
                    .replace(oldNode: Syntax(declaration.signature), newNode: Syntax(signature))
                ])
        }

        // MARK: The client

        private static func client(
            of declaration: ProtocolDeclSyntax, _ functions: [WasmFunction]
        ) -> DeclSyntax {
            let name = declaration.name.text
            let access = access(declaration.modifiers)
            let properties = functions.enumerated().map { index, function in
                "private let function\(index): \(typedFunction(function))"
            }
            let lookups = functions.enumerated().map { index, function in
                "function\(index) = try instance.function(\(literal(function.wasmName)), "
                    + "as: (\(functionType(function))).self)"
            }
            let methods = functions.enumerated().map { index, function in
                method(function, calling: "function\(index)", access)
            }
            return """
                /// What a guest exports, as `\(raw: name)` has it.
                \(raw: access)struct \(raw: name)Client: \(raw: name) {
                    /// The guest.
                    \(raw: access)let instance: Instance
                    \(raw: properties.joined(separator: "\n    "))

                    /// Looks up what `instance` exports.
                    ///
                    /// - Throws: `ExportError` if something is missing, or has another type.
                    \(raw: access)init(_ instance: Instance) throws {
                        self.instance = instance
                        \(raw: lookups.joined(separator: "\n        "))
                    }

                    \(raw: methods.joined(separator: "\n\n    "))
                }
                """
        }

        private static func method(
            _ function: WasmFunction, calling property: String, _ access: String
        ) -> String {
            let signature = function.namedSignature.trimmedDescription
            let modifiers = function.declaration.modifiers.trimmedDescription
            let prefix = access + (modifiers.isEmpty ? "" : modifiers + " ")
            let values = function.parameters.enumerated().map { index, parameter in
                WasmFunction.local(parameter, index)
            }
            let arguments = values.joined(separator: ", ")
            let call =
                function.isAsynchronous
                ? "try await \(property).callAsync(\(arguments))" : "try \(property)(\(arguments))"
            return """
                \(prefix)func \(function.declaration.name.text)\(signature) {
                        \(call)
                    }
                """
        }

        private static func types(_ function: WasmFunction) -> [String] {
            function.parameters.map { $0.type.trimmedDescription }
        }

        private static func functionType(_ function: WasmFunction) -> String {
            let parameters = types(function).joined(separator: ", ")
            return "(\(parameters)) -> \(function.result?.trimmedDescription ?? "Void")"
        }

        private static func typedFunction(_ function: WasmFunction) -> String {
            let result = function.result?.trimmedDescription ?? "Void"
            return "TypedFunction<\(([result] + types(function)).joined(separator: ", "))>"
        }
    }

    /// The access level of a declaration, as members of what is made for it need it, and a space.
    func access(_ modifiers: DeclModifierListSyntax) -> String {
        let levels = ["open", "public", "package", "fileprivate", "private"]
        let level = modifiers.lazy.map(\.name.text).first(where: levels.contains)
        switch level {
        case "open", "public": return "public "
        case "package": return "package "
        case "fileprivate", "private": return "fileprivate "
        default: return ""
        }
    }

    /// The text as a string literal of Swift's.
    func literal(_ text: String) -> String {
        StringLiteralExprSyntax(content: text).description
    }
#endif
