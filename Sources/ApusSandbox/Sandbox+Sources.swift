public import Apus

extension Sandbox {
    /// A sandbox for guests of the module in a file, in the binary or the text format, with an
    /// engine of its own.
    ///
    /// - Throws: what compiling it throws.
    public init(
        contentsOf path: String, _ configuration: Configuration = Configuration(),
        define: @escaping @Sendable (inout Linker) throws -> Void = { _ in }
    ) throws {
        self.init(try Module(Engine(), contentsOf: path), configuration, define: define)
    }

    /// A sandbox for guests of the module in a file that `Module.serialize(to:)` or `apus compile`
    /// has written, with an engine of its own. It holds machine code: `Module(_:precompiledAt:)`
    /// says whose files are taken.
    ///
    /// - Throws: what loading it throws.
    public init(
        precompiledAt path: String, _ configuration: Configuration = Configuration(),
        define: @escaping @Sendable (inout Linker) throws -> Void = { _ in }
    ) throws {
        self.init(try Module(Engine(), precompiledAt: path), configuration, define: define)
    }

    /// A sandbox for guests of the module whose binary form is `bytes`, with an engine of its own.
    ///
    /// - Throws: what compiling it throws.
    public init(
        bytes: [UInt8], _ configuration: Configuration = Configuration(),
        define: @escaping @Sendable (inout Linker) throws -> Void = { _ in }
    ) throws {
        self.init(try Module(Engine(), bytes: bytes), configuration, define: define)
    }

    /// A sandbox for guests of the module in the text format, with an engine of its own.
    ///
    /// - Throws: what compiling it throws.
    public init(
        text: String, _ configuration: Configuration = Configuration(),
        define: @escaping @Sendable (inout Linker) throws -> Void = { _ in }
    ) throws {
        self.init(try Module(Engine(), text: text), configuration, define: define)
    }
}
