internal import ApusABI
public import ApusCollections
internal import ApusFormat
internal import ApusRuntime

/// What a compiled module consists of: its header, its sections, and the functions whose code is in
/// it. Nothing of it is run, so whoever has written it need not be trusted.
@_spi(ApusCLI)
public struct ArtifactListing: Sendable {
    /// A part of it.
    public struct Section: Hashable, Sendable {
        /// The kind.
        public var name: String
        /// Which of several pieces of code it belongs to.
        public var image: Int
        /// Where it is.
        public var range: Range<Int>
    }

    /// A function with code in it.
    public struct Function: Hashable, Sendable {
        /// In the module's function index space.
        public var index: Int
        /// Its name as it stands in its source, or the first it is exported under.
        public var name: String?
        /// Where in the section its code begins.
        public var codeStart: Int
        /// Bytes of its code.
        public var codeBytes: Int
        /// Bytes of its body in the module.
        public var bodyBytes: Int
        /// Places that can trap.
        public var traps: Int
        /// Places that calls return to.
        public var calls: Int
        /// Calls that have the callee's code in their place.
        public var inlinedCalls: Int
    }

    /// The number of the format.
    public let format = Artifact.version
    /// The build of Apus that has made it.
    public let build: String
    /// Whether that is this one.
    public let isOfThisBuild: Bool
    /// The kind of processor that it is for.
    public let target = "x86-64"
    /// What it uses of it.
    public let processorFeatures: [String]
    /// What modules may use.
    public let features: [String]
    /// How code was made, if not in the plain way.
    public let settings: [String]
    /// Who has made the code.
    public let compiler: String
    /// Bytes of all of it.
    public let byteCount: Int
    /// Bytes of the module in it.
    public let moduleBytes: Int
    /// The checksum of the module's bytes.
    public let moduleChecksum: String
    /// The checksum of the header.
    public let headerChecksum: String
    /// The checksum of all behind the header.
    public let contentsChecksum: String
    /// Whether it has the code of what was called only, to be put beside other code: what the
    /// cache has of programs.
    public let isPartial: Bool
    /// What it is made of, in order.
    public let sections: [Section]
    /// The functions in the order of their code. Only the build that has written them can read
    /// them; else there are none.
    public let functions: [Function]
    private let artifact: Artifact
    private let inspection: ModuleInspection?

    /// Whether `contents` are a compiled module.
    public static func isCompiled(_ contents: ByteStorage) -> Bool {
        Artifact.begins(contents.span)
    }

    /// Lists the compiled module that `contents` are.
    ///
    /// - Throws: `ArtifactError` if it is damaged, or of another format; `ModuleError` if the
    ///   module in it cannot be decoded.
    public init(_ contents: ByteStorage) throws { try self.init(Artifact(contents)) }

    init(_ artifact: Artifact) throws {
        self.artifact = artifact
        let provenance = artifact.provenance
        build = Self.text(provenance.build)
        isOfThisBuild = provenance.build == BuildIdentity.current
        processorFeatures = ProcessorFeatures.names
            .filter { provenance.processor.contains($0.feature) }.map(\.name)
        features = Feature.allCases.filter { provenance.features.has($0) }.map(\.name)
        settings = CodeSettings.names.filter { provenance.settings.contains($0.setting) }
            .map(\.name)
        compiler =
            Engine.Compiler.allCases.first { $0.artifactNumber == provenance.compiler }?.rawValue
            ?? "number \(provenance.compiler)"
        byteCount = artifact.storage.count
        moduleBytes = artifact.module.count
        moduleChecksum = Self.text(artifact.digest)
        headerChecksum = Self.text(artifact.checksums.header)
        contentsChecksum = Self.text(artifact.checksums.contents)
        isPartial = artifact.isMovable
        sections = artifact.contents.map {
            Section(name: $0.name, image: $0.image, range: $0.range)
        }
        guard isOfThisBuild, artifact.imageCount > 0 else {
            inspection = nil
            functions = []
            return
        }
        var configuration = Engine.Configuration()
        configuration.features = provenance.features
        let inspection = try ModuleInspection(artifact.module, configuration)
        self.inspection = inspection
        functions = try Self.functions(of: artifact, inspection)
    }

    private static func functions(
        of artifact: Artifact, _ inspection: ModuleInspection
    ) throws -> [Function] {
        let module = inspection.module
        let records = try artifact.records(of: module)
        return (0..<records.functions.count).map { position in
            let record = records.functions[position]
            let index = Int(record.index)
            let body = module.bodies[index - module.importedFunctionCount]
            return Function(
                index: index, name: inspection.name(ofFunction: index),
                codeStart: Int(record.codeStart), codeBytes: Int(record.codeLength),
                bodyBytes: Int(body.end - body.start), traps: Int(record.trapCount),
                calls: Int(record.callCount), inlinedCalls: Int(record.inlinedCount))
        }
    }

    /// The code as it is in the artifact, of all functions or of the one called `name`, as text.
    ///
    /// - Throws: `FunctionNameError` if there is no such function; `ArtifactError.otherBuild` if
    ///   another build has made it; `ArtifactError.incomplete` if the function has no code in it.
    public func disassembly(of name: String?) throws -> String {
        guard let inspection else {
            throw isOfThisBuild ? ArtifactError.incomplete : ArtifactError.otherBuild
        }
        let index = try name.map { try inspection.findDefined($0) }
        let module = inspection.module
        let records = try artifact.records(of: module)
        let relocations =
            artifact.isMovable ? try artifact.relocations(of: module) : Arena(capacity: 1)
        let code = artifact.storage.span.extracting(try artifact.codeRange())
        var text = ""
        for (position, function) in functions.enumerated()
        where index == nil || index == function.index {
            let name = function.name.map { " " + PrintableText.name($0) } ?? ""
            text += ";; function \(function.index)\(name), \(function.codeBytes) bytes at code+0x"
            text += String(function.codeStart, radix: 16) + "\n"
            text += AssemblyListing(position, of: records, relocations, code).text
        }
        if index != nil, text.isEmpty { throw ArtifactError.incomplete }
        return text
    }

    private static func text(_ checksum: Checksum) -> String {
        [checksum.high, checksum.low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// The build of Apus that this is; nil if the system does not show this program.
    public static var thisBuild: String? { BuildIdentity.current.map(text) }
}
