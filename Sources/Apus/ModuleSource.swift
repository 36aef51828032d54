public import ApusCollections
internal import ApusFormat
internal import ApusRuntime
internal import ApusText

/// A module as it was given, in binary or in text form: what its errors point into.
@_spi(ApusCLI)
public struct ModuleSource {
    /// The binary form.
    public let binary: ByteStorage
    /// The text form, if it was given in that.
    let text: ByteStorage?
    /// What errors call it.
    let file: String?
    private let deadline: ContinuousClock.Instant?

    /// Whether it was given in text form.
    var isText: Bool { text != nil }

    /// The module that `contents` are, in either form; of one that was compiled before, the module
    /// that it was made of. Errors name `file`.
    /// Throws `TextError` if it is a text that does not follow the format, `FileError` if it is
    /// something else altogether; and if a text is not read until `deadline`
    /// `CompilationDeadlineError`, and `CancellationError` when the task that runs this is
    /// cancelled.
    public init(
        _ contents: ByteStorage, named file: String, until deadline: ContinuousClock.Instant? = nil
    ) throws {
        if Artifact.begins(contents.span) {
            try self.init(Artifact(contents).module, isText: false, named: file, until: deadline)
            return
        }
        let isText = TextFormat.isText(contents.span)
        if isText || contents.count == 0,
            let reason = ForeignFormat.refusal(of: contents.span)
        {
            throw FileError(path: file, reason: reason)
        }
        try self.init(contents, isText: isText, named: file, until: deadline)
    }

    init(
        _ contents: ByteStorage, isText: Bool, named file: String?,
        until deadline: ContinuousClock.Instant?
    ) throws {
        self.file = file
        self.deadline = deadline
        guard isText else {
            text = nil
            binary = contents
            return
        }
        text = contents
        do {
            let isStopped = Self.isStopped(at: deadline)
            guard let bytes = try TextFormat.parseModule(contents, unless: isStopped) else {
                try Task.checkCancellation()
                throw CompilationDeadlineError()
            }
            binary = ByteStorage(bytes)
        } catch let error as TextError {
            var error = error
            error.file = file
            throw error
        }
    }

    /// Whether nobody wants the module any more: asked on the thread that reads it.
    private static func isStopped(at deadline: ContinuousClock.Instant?) -> () -> Bool {
        { Task.isCancelled || deadline.map { ContinuousClock.now >= $0 } ?? false }
    }

    /// Why `contents` are no text, as far as their first bytes tell; nil if they may be one.
    public static func refusal(ofText contents: ByteStorage) -> String? {
        if Artifact.begins(contents.span) {
            return "it is a compiled module; `apus print` shows it as text"
        }
        if contents.count > 0, !TextFormat.isText(contents.span) {
            return "it is in binary form already; `apus print` shows it as text"
        }
        return ForeignFormat.refusal(of: contents.span)
    }

    /// The module that the file at `path` holds. Throws `FileError` and `TextError`, and if the
    /// file is none `CompilationDeadlineError` when it was waited for until `deadline`, and
    /// `CancellationError` when the task that runs this is cancelled.
    init(contentsOf path: String, until deadline: ContinuousClock.Instant?) throws {
        let file = try HostFile.reading(path, isAwaited: InputWait(until: deadline).isBounded)
        try self.init(
            ByteStorage.reading(file.descriptor, named: path, until: deadline), named: path,
            until: deadline)
    }

    /// Does `work` with the binary form. Its errors tell the file, and the line of a text.
    public func locatingErrors<Result>(_ work: (ByteStorage) throws -> Result) throws -> Result {
        do {
            return try work(binary)
        } catch let error as ModuleError {
            var error = error
            error.file = file
            if let text {
                error.place = TextFormat.place(
                    ofByte: error.offset, in: text, unless: Self.isStopped(at: deadline))
            }
            throw error
        }
    }
}
