import Hummingbird

/// Serves `POST /shout` on port 8080.
@main
struct HTTPService {
    static func main() async throws {
        let application = Application(
            router: try Shouting().router(),
            configuration: .init(address: .hostname("127.0.0.1", port: 8080)))
        try await application.runService()
    }
}
