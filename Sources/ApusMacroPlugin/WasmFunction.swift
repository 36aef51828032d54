#if Macros
    internal import SwiftDiagnostics
    internal import SwiftParser
    internal import SwiftSyntax
    internal import SwiftSyntaxBuilder

    /// A function's declaration as WebAssembly sees it, or what keeps it from being one.
    struct WasmFunction {
        let declaration: FunctionDeclSyntax
        /// What it is called in WebAssembly.
        let wasmName: String
        private(set) var complaints: [Diagnostic] = []

        init(_ declaration: FunctionDeclSyntax) {
            self.declaration = declaration
            let attribute = declaration.attributes.lazy.compactMap { $0.as(AttributeSyntax.self) }
                .first { Self.isWasmName($0.attributeName.trimmedDescription) }
            wasmName =
                attribute.flatMap(Self.literal(of:)) ?? Self.plain(declaration.name)
            if let attribute, Self.literal(of: attribute) == nil {
                complaints.append(Complaint.noName.about(attribute))
            }
            checkShape()
            checkTypes()
        }

        /// Its name, without quotes that Swift may need.
        var name: String { Self.plain(declaration.name) }
        var parameters: [FunctionParameterSyntax] {
            Array(declaration.signature.parameterClause.parameters)
        }
        var isAsynchronous: Bool {
            declaration.signature.effectSpecifiers?.asyncSpecifier != nil
        }
        var canThrow: Bool {
            declaration.signature.effectSpecifiers?.throwsClause != nil
        }
        /// Whether its first parameter is who calls.
        var hasCaller: Bool { parameters.first.map { Self.isCaller($0.type) } ?? false }
        /// The type of its result; nil: it has none.
        var result: TypeSyntax? {
            guard let type = declaration.signature.returnClause?.type else { return nil }
            let isVoid = ["Void", "()", "Swift.Void"].contains(type.trimmedDescription)
            return isVoid ? nil : type
        }

        /// The arguments of a call that passes on its parameters.
        var passedArguments: String {
            parameters.enumerated().map { index, parameter in
                let label = parameter.firstName.text
                let value = Self.local(parameter, index)
                return label == "_" ? value : "\(label): \(value)"
            }.joined(separator: ", ")
        }

        /// What the parameter is called inside: where Swift wants quotes, with them.
        static func local(_ parameter: FunctionParameterSyntax, _ index: Int) -> String {
            let name = (parameter.secondName ?? parameter.firstName).text
            if name == "_" { return "argument\(index)" }
            return name.isValidSwiftIdentifier(for: .variableName) ? name : "`\(name)`"
        }

        /// Its signature, in which each parameter has a name inside.
        var namedSignature: FunctionSignatureSyntax {
            var signature = declaration.signature
            let named = parameters.enumerated().map { index, parameter in
                guard (parameter.secondName ?? parameter.firstName).text == "_" else {
                    return parameter
                }
                var parameter = parameter
                parameter.secondName = .identifier(
                    Self.local(parameter, index),
                    leadingTrivia: parameter.secondName == nil ? .space : [])
                return parameter
            }
            signature.parameterClause.parameters = FunctionParameterListSyntax(named)
            return signature
        }

        // MARK: Checks

        private mutating func checkShape() {
            if let generics = declaration.genericParameterClause {
                complaints.append(Complaint.generic(name).about(generics))
            }
            for parameter in parameters {
                if let ellipsis = parameter.ellipsis {
                    complaints.append(Complaint.parameter(name, "variadic").about(ellipsis))
                }
                let type = parameter.type.as(AttributedTypeSyntax.self)
                let isInout =
                    type?.specifiers.contains { $0.trimmedDescription == "inout" } ?? false
                if isInout {
                    complaints.append(Complaint.parameter(name, "'inout'").about(parameter.type))
                }
            }
            for parameter in parameters.dropFirst() where Self.isCaller(parameter.type) {
                complaints.append(Complaint.misplacedCaller(name).about(parameter.type))
            }
        }

        private mutating func checkTypes() {
            for parameter in hasCaller ? Array(parameters.dropFirst()) : parameters {
                check(parameter.type)
            }
            guard let result else { return }
            if let tuple = result.as(TupleTypeSyntax.self), tuple.elements.count > 1 {
                for element in tuple.elements { check(element.type) }
            } else {
                check(result)
            }
        }

        private mutating func check(_ type: TypeSyntax) {
            guard let hint = TypeHint.of(type) else { return }
            let complaint = Complaint.type(type.trimmedDescription, hint: hint.text)
            guard let replacement = hint.replacement else {
                complaints.append(complaint.about(type))
                return
            }
            let change = FixIt.Change.replace(
                oldNode: Syntax(type),
                newNode: Syntax(
                    TypeSyntax(stringLiteral: replacement)
                        .with(\.leadingTrivia, type.leadingTrivia)
                        .with(\.trailingTrivia, type.trailingTrivia)))
            let remedy = FixIt(
                message: Remedy(message: "use '\(replacement)'"), changes: [change])
            complaints.append(complaint.about(type, [remedy]))
        }

        // MARK: Names

        private static func plain(_ name: TokenSyntax) -> String {
            name.text.filter { $0 != "`" }
        }

        private static func isWasmName(_ attribute: String) -> Bool {
            ["WasmName", "ApusMacros.WasmName"].contains(attribute)
        }

        private static func isCaller(_ type: TypeSyntax) -> Bool {
            ["Caller", "Apus.Caller"].contains(type.trimmedDescription)
        }

        /// The string literal that is the attribute's only argument.
        static func literal(of attribute: AttributeSyntax) -> String? {
            guard case .argumentList(let arguments)? = attribute.arguments, arguments.count == 1,
                let literal = arguments.first?.expression.as(StringLiteralExprSyntax.self)
            else { return nil }
            return literal.representedLiteralValue
        }
    }

    extension [WasmFunction] {
        /// Complains about functions that WebAssembly cannot tell apart.
        var ambiguities: [Diagnostic] {
            var known: Set<String> = []
            return compactMap { function in
                if known.insert(function.wasmName).inserted { return nil }
                return Complaint.several(function.wasmName).about(function.declaration.name)
            }
        }
    }
#endif
