/// A place in a source file.
public struct SourcePosition: Hashable, Sendable {
    /// The file's path, as the compiler saw it.
    public var file: String
    /// Counted from 1.
    public var line: Int
    /// Counted from 1; 0: the compiler does not say.
    public var column: Int

    /// A place in `file`.
    public init(file: String, line: Int, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// A function of the source that an instruction belongs to: the innermost one may have been made
/// part of the others.
public struct SourceFrame: Hashable, Sendable {
    /// The function's name, as linkers know it where there is such a name; nil if it is not said.
    public var function: String?
    /// Where in its source the function is; nil if it is not said.
    public var position: SourcePosition?

    /// A frame of `function`.
    public init(function: String?, position: SourcePosition?) {
        self.function = function
        self.position = position
    }
}
